//! The account that this process runs as.

use std::path::PathBuf;

/// A line of the user database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub login: String,
    /// The home directory.
    pub home: PathBuf,
}

/// Returns the account of the effective user from `/etc/passwd`; `None` where it is not listed
/// there. The C library's look-up would load modules at run time, which a static program cannot
/// rely on.
#[must_use]
pub fn current() -> Option<Account> {
    find(&std::fs::read_to_string("/etc/passwd").ok()?, rustix::process::geteuid().as_raw())
}

/// Says whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn find(passwd: &str, uid: u32) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [login, _, id, _, _, home, ..] = fields[..] else { return None };
        (id.parse() == Ok(uid) && !login.is_empty())
            .then(|| Account { login: login.to_owned(), home: home.into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken line\nstig:x:1000:1000::/home/stig:/bin/bash\n";
        let stig = Account { login: "stig".into(), home: "/home/stig".into() };
        assert_eq!((find(passwd, 1000), find(passwd, 7)), (Some(stig), None));
    }
}
