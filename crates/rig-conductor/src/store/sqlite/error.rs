use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else { return Self::Broken(error.to_string()) };
        let unique = [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY];
        match failure.code {
            ErrorCode::ConstraintViolation if unique.contains(&failure.extended_code) => Self::Conflict,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                Self::Unavailable("another process holds the database for too long".to_owned())
            }
            ErrorCode::DiskFull => Self::Unavailable("the disk is full".to_owned()),
            ErrorCode::ReadOnly => Self::Broken("the file or its directory is read-only".to_owned()),
            ErrorCode::NotADatabase => Self::Broken("the file is not a database".to_owned()),
            ErrorCode::DatabaseCorrupt => Self::Broken("the file is damaged".to_owned()),
            ErrorCode::CannotOpen => Self::Broken("the file cannot be opened".to_owned()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Puts the name of the file before what went wrong with it.
pub(super) fn named(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!("{}: {why}", path.display())),
        StoreError::Broken(why) => StoreError::Broken(format!("{}: {why}", path.display())),
        other => other,
    }
}
