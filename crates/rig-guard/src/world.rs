//! What the judge has to know about the place where a command would run.
//!
//! Everything is asked for only when a rule needs it: most commands are judged without a look at
//! the file system.

/// Facts about the machine and the session.
pub trait World {
    /// Returns the home directory.
    fn home(&self) -> Option<&str>;

    /// Returns the top directory of the working copy that a directory is in.
    fn git_top(&self, dir: &str) -> Option<String>;

    /// Returns the workspace's top directories: the project's, and that of the working copy in
    /// which the session is.
    fn roots(&self) -> Vec<String>;
}
