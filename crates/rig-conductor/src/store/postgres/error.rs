use std::error::Error as _;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let io = error.source().is_some_and(|source| source.is::<std::io::Error>());
            let why = chain(&error);
            let gone = error.is_closed() || io || why.starts_with("timeout");
            return if gone { Self::Unavailable(why) } else { Self::Broken(why) };
        };
        let state = db.code();
        let again = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        if again.contains(state) || *state == SqlState::UNIQUE_VIOLATION {
            return Self::Conflict;
        }
        let why = format!("{} ({})", db.message(), state.code());
        // Locks and statements that take too long, resources, an end by an operator, a standby.
        let classes = ["08", "25", "53", "55", "57", "58"];
        if classes.iter().any(|class| state.code().starts_with(class)) {
            return Self::Unavailable(why);
        }
        Self::Broken(why)
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => {
                Self::Unavailable("no connection is free, or none can be made in time".to_owned())
            }
            PoolError::Closed => Self::Unavailable("the store is closed".to_owned()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Says whether an error is of the values, which no other try changes.
pub(super) fn is_of_values(error: &Error) -> bool {
    let of_values = |state: &SqlState| state.code().starts_with("22") || state.code().starts_with("54");
    error.code().is_some_and(of_values)
}

/// Returns an error with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Puts the name of the server before what went wrong with it.
pub(super) fn named(error: StoreError, place: &str) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!("{place}: {why}")),
        StoreError::Broken(why) => StoreError::Broken(format!("{place}: {why}")),
        other => other,
    }
}
