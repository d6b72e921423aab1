//! The packs that rules come in.

/// A set of rules that is turned on and off together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Pack {
    /// What keeps the guard in force; it is always on.
    Own,
    /// What nearly everybody wants; on unless a policy turns it off.
    Core,
    /// Deleting what runs at a cloud provider.
    Cloud,
    /// Deleting containers, images and volumes.
    Containers,
    /// Tools that wipe a database: migrations, restores, queues.
    Databases,
    /// Publishing and unpublishing packages.
    Packages,
    /// Doubtful habits: `sudo`, package installs, scripts from the network.
    Strict,
    /// Reading and sending secrets.
    Secrets,
    /// Changing who somebody is: keys, accounts, permissions.
    Identity,
}

impl Pack {
    /// Every pack.
    pub const ALL: [Self; 9] = [
        Self::Own,
        Self::Core,
        Self::Cloud,
        Self::Containers,
        Self::Databases,
        Self::Packages,
        Self::Strict,
        Self::Secrets,
        Self::Identity,
    ];

    /// Returns its name in a policy.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Core => "core",
            Self::Cloud => "cloud",
            Self::Containers => "containers",
            Self::Databases => "databases",
            Self::Packages => "packages",
            Self::Strict => "strict",
            Self::Secrets => "secrets",
            Self::Identity => "identity",
        }
    }

    /// Finds a pack by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pack| pack.as_str() == name)
    }

    /// Says whether it is on where no policy says anything.
    #[must_use]
    pub fn on_by_default(self) -> bool {
        matches!(self, Self::Own | Self::Core)
    }
}
