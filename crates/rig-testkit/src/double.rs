//! What the doubles have in common: a server, what it was asked, and requests that hang.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::http::{Reply, Request, Server};

/// A running double with a state of its own. Dropped, it stops and lets go of what hangs.
#[derive(Debug)]
pub(crate) struct Double<S> {
    server: Server,
    stage: Arc<Stage<S>>,
}

/// What the handler of the requests and the test share.
#[derive(Debug)]
pub(crate) struct Stage<S> {
    state: Mutex<State<S>>,
    changed: Condvar,
}

/// Every request so far, and what the double adds.
#[derive(Debug)]
pub(crate) struct State<S> {
    pub(crate) requests: Vec<Request>,
    pub(crate) own: S,
    /// Hanging requests wait for this to move.
    releases: u64,
    over: bool,
}

/// Answers a request, with the state as it was when the request was noted.
pub(crate) type Answer<S> = for<'a> fn(&'a Stage<S>, MutexGuard<'a, State<S>>, &Request) -> Reply;

impl<S: Send + 'static> Double<S> {
    /// Starts one on a free port of 127.0.0.1, which notes every request before `answer` sees it. Whoever sees
    /// the note cannot change how that request is answered any more: the state stays locked in between.
    pub(crate) fn start(own: S, answer: Answer<S>) -> Self {
        let state = State { requests: Vec::new(), own, releases: 0, over: false };
        let stage = Arc::new(Stage { state: Mutex::new(state), changed: Condvar::new() });
        let shared = Arc::clone(&stage);
        let server = Server::start(move |request| {
            let mut state = shared.lock();
            state.requests.push(request.clone());
            shared.changed.notify_all();
            let reply = answer(&shared, state, request);
            shared.changed.notify_all();
            reply
        });
        Self { server, stage }
    }
}

impl<S> Double<S> {
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.stage.lock()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// Lets go of every hanging request.
    pub(crate) fn release(&self) {
        self.lock().releases += 1;
        self.stage.changed.notify_all();
    }

    /// Waits until there is an answer.
    ///
    /// # Panics
    /// When there is none within [`PATIENCE`], with what `describe` says.
    #[track_caller]
    pub(crate) fn wait<T>(
        &self,
        ask: impl Fn(&State<S>) -> Option<T>,
        describe: impl Fn(&State<S>) -> String,
    ) -> T {
        self.wait_or_not(ask).unwrap_or_else(|| {
            let description = describe(&self.lock());
            panic!("waited in vain; {description}")
        })
    }

    /// Waits until there is an answer; none where there is none within [`PATIENCE`].
    pub(crate) fn wait_or_not<T>(&self, ask: impl Fn(&State<S>) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            let answer = ask(&state);
            let left = deadline.saturating_duration_since(Instant::now());
            if answer.is_some() || left.is_zero() {
                return answer;
            }
            state = self.stage.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<S> State<S> {
    /// Returns methods and targets of all requests.
    pub(crate) fn asked(&self) -> String {
        let asked: Vec<_> = self.requests.iter().map(|r| format!("{} {}", r.method, r.target)).collect();
        format!("requests: {asked:?}")
    }
}

impl<S> Stage<S> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a release, for the end of this time, or for the end of the double.
    pub(crate) fn hang(&self, mut state: MutexGuard<'_, State<S>>, time: Duration) {
        let deadline = Instant::now() + time;
        let since = state.releases;
        while !state.over && state.releases == since && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<S> Drop for Double<S> {
    fn drop(&mut self) {
        self.lock().over = true;
        self.stage.changed.notify_all();
    }
}
