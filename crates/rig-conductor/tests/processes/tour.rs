//! A history of three escalations that meets every step of the service, and what has to come of it
//! whoever dies on the way.

use std::time::{Duration, Instant};

use rig_testkit::FakeDiscord;
use rig_testkit::PATIENCE;
use rig_wire::{EscalationState, Severity};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::place::Window;
use crate::service::{AGENT, OPERATOR, Plan, Process};

/// How long nothing has to happen before the clock is moved to the next time at which something will.
const STILL: Duration = Duration::from_millis(400);

/// After this time what a process held is free.
pub(crate) const LEASE_OVER: Duration = Duration::from_secs(61);

/// For so long Discord surely remembers a nonce.
const NONCE_LASTS: Duration = Duration::from_secs(120);

/// Does something to the processes of a history.
pub(crate) type Meddler<'a> = Box<dyn FnMut(&Fleet<'a>) + 'a>;

/// The processes of a history; the ones that died come back.
pub(crate) struct Fleet<'a> {
    /// What they keep.
    pub(crate) window: Window,
    /// Whom they tell.
    pub(crate) discord: &'a FakeDiscord,
    /// The processes.
    pub(crate) processes: Vec<Process>,
    /// How often one was found dead.
    pub(crate) deaths: usize,
    /// How long, by the store's clock, one that died stays away.
    pub(crate) away: Duration,
    /// Whether the clock is moved where they wait for a time; else they are waited for.
    pub(crate) hurries: bool,
    /// What happens to them while they work; asked again and again.
    pub(crate) meddler: Option<Meddler<'a>>,
    /// How the next one is started; asked anew each time.
    plan: Box<dyn FnMut() -> Plan + 'a>,
    next: usize,
}

impl<'a> Fleet<'a> {
    /// Starts so many processes on a store that is open already.
    #[track_caller]
    pub(crate) fn start(
        window: Window,
        discord: &'a FakeDiscord,
        count: usize,
        mut plan: impl FnMut() -> Plan + 'a,
    ) -> Self {
        let processes = (0..count).map(|_| plan().up()).collect();
        Self {
            window,
            discord,
            processes,
            deaths: 0,
            away: LEASE_OVER,
            hurries: true,
            meddler: None,
            plan: Box::new(plan),
            next: 0,
        }
    }

    /// Brings back who died. What it held is taken over when its lease ends, so the clock is moved.
    #[track_caller]
    pub(crate) fn tend(&mut self) {
        if let Some(mut meddler) = self.meddler.take() {
            meddler(self);
            self.meddler = Some(meddler);
        }
        for index in 0..self.processes.len() {
            if !self.processes[index].is_alive() {
                self.deaths += 1;
                self.window.advance(self.away);
                if self.away > NONCE_LASTS {
                    self.discord.forget_nonces();
                }
                self.processes[index] = (self.plan)().up();
            }
        }
    }

    /// Asks one process after another until one answers. What is asked for has to be harmless when repeated.
    #[track_caller]
    pub(crate) fn ask(&mut self, path: &str, token: &str, body: &Value) -> Value {
        let start = Instant::now();
        loop {
            self.tend();
            self.next = (self.next + 1) % self.processes.len();
            let process = &self.processes[self.next];
            let answer =
                if process.is_frozen() { None } else { process.ask("POST", path, token, Some(body)) };
            match answer {
                Some((200, answer)) => return answer,
                // A process on its way down or that stands still, or a database on its way up.
                None | Some((503, _)) => {}
                Some((status, answer)) => panic!("{path} {body}: {status} {answer}"),
            }
            assert!(start.elapsed() < PATIENCE * 3, "nobody answers {path} {body}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until everything is sent and edited and `done` is so.
    #[track_caller]
    pub(crate) fn settle(&mut self, what: &str, done: impl Fn(&Window) -> bool) {
        let start = Instant::now();
        let (mut last, mut since) = (None, Instant::now());
        loop {
            self.tend();
            // In this order: what is done has put into the outbox what follows from it.
            let is_done = done(&self.window);
            let backlog = self.window.ask(|store| async move { store.backlog().await });
            if is_done && backlog.pending == 0 {
                return;
            }
            let seen = Some((backlog.pending, self.discord.requests().len()));
            if seen != last {
                (last, since) = (seen, Instant::now());
            } else if self.hurries && since.elapsed() > STILL {
                // Somebody waits: for a lease of the dead, or before another try.
                let (next, now) = self.window.ask(|store| async move { store.next_send().await });
                if let Some(wait) =
                    next.map(|next| next.duration_since(now)).filter(|wait| wait.is_positive())
                {
                    self.window.advance(wait.unsigned_abs());
                }
                since = Instant::now();
            }
            let waiting = || self.window.ask(|store| async move { store.backlog().await });
            let patience = if self.hurries { PATIENCE * 3 } else { PATIENCE * 15 };
            assert!(start.elapsed() < patience, "waited in vain for {what}: {:?}", waiting());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The three escalations: about a pull request, about an issue, about nothing.
pub(crate) const IDS: [Uuid; 3] = [
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000a),
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000b),
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_000c),
];

/// Lets the history happen.
#[track_caller]
pub(crate) fn run(fleet: &mut Fleet<'_>) {
    let [a, b, c] = IDS;
    let always = |_: &Window| true;
    for (id, severity, number, reason) in [
        (a, "P2", Some(15), "which of the two forms is wanted?"),
        (b, "P1", None, "the pipeline is stuck"),
        (c, "P0", None, "a password is in the log"),
    ] {
        let mut event = json!({
            "type": "ESCALATION_CREATED", "escalationId": id, "severity": severity, "reason": reason,
            "agentId": "dev-e-node",
        });
        if let Some(number) = number {
            event["repo"] = "acme/app".into();
            event["issueNumber"] = 42.into();
            event["prNumber"] = number.into();
        }
        fleet.ask("/api/events", AGENT, &event);
    }
    fleet.settle("the first messages", always);
    fleet.ask(&format!("/api/escalations/{b}/ack"), OPERATOR, &json!({ "note": "on it" }));
    fleet.settle("the ack to be shown", always);
    let raise = json!({ "type": "ESCALATION_CREATED", "escalationId": Uuid::from_u128(a.as_u128() + 0x10),
        "severity": "P1", "reason": "which of the two forms is wanted?", "agentId": "dev-e-node",
        "repo": "acme/app", "issueNumber": 42, "prNumber": 15 });
    fleet.ask("/api/events", AGENT, &raise);
    fleet.settle("the repeat to be told", always);
    fleet.window.advance(Duration::from_secs(4 * 3600 + 60));
    fleet.settle("the bump and the reminder", move |window| {
        let bumped = escalation(window, a).is_some_and(|e| e.severity == Severity::P0);
        bumped && escalation(window, c).is_some_and(|e| e.reminder_count == 1)
    });
    let close = json!({ "resolution": "rotated" });
    fleet.ask(&format!("/api/escalations/{c}/close"), OPERATOR, &close);
    fleet.ask(&format!("/api/escalations/{a}/ack"), OPERATOR, &json!({}));
    fleet.settle("the end", move |window| {
        escalation(window, c).is_some_and(|e| e.state == EscalationState::Closed)
    });
}

fn escalation(window: &Window, id: Uuid) -> Option<rig_conductor::domain::Escalation> {
    window.ask(move |store| async move { store.escalation(id).await }).map(|shown| shown.escalation)
}

/// The log that the history has to leave: what happened to each escalation, then which messages were
/// confirmed, by round, route and target.
pub(crate) const LOG: &str = "\
a created P2\n\
a noted\n\
a raised from P2 to P1, Repeat, 1\n\
a raised from P1 to P0, Unacked, 2\n\
a acked by maria\n\
a   0: P2 discord_thread acme/app#15\n\
a   1: P1 discord_channel admin\n\
a   2: P0 discord_channel admin\n\
a   2: P0 discord_dm 1175001122334455673\n\
b created P1\n\
b acked by maria\n\
b   0: P1 discord_channel admin\n\
c created P0\n\
c reminded, 1\n\
c closed by maria: rotated\n\
c   0: P0 discord_channel admin\n\
c   0: P0 discord_dm 1175001122334455673\n\
c   1: P0 discord_channel admin\n\
c   1: P0 discord_dm 1175001122334455673\n\
";

/// What people have to have seen, and what it has to say in the end.
pub(crate) const SEEN: &str = "\
#admin: P0 - acme/app#15: P0: acked.\n\
#admin: P0 - dev-e-node: P0: closed.\n\
#admin: P0 - dev-e-node: P0: closed.\n\
#admin: P1 - acme/app#15: P1: now P0.\n\
#admin: P1 - dev-e-node: P1: acked.\n\
#tasks > acme/app#15: P2 - acme/app#15: P2: now P0.\n\
#tasks: acme/app#15: \n\
@alice: P0 - acme/app#15: P0: acked.\n\
@alice: P0 - dev-e-node: P0: closed.\n\
@alice: P0 - dev-e-node: P0: closed.\n\
thread #tasks > acme/app#15\n\
";
