//! Rules that a policy turns on, in packs.

mod cloud;
mod containers;
mod identity;
mod line;
mod packages;
mod places;
mod secrets;
mod seen;
mod strict;

pub(super) use cloud::RULES as CLOUD;
pub(super) use containers::RULES as CONTAINERS;
pub(super) use identity::RULES as IDENTITY;
pub(super) use packages::RULES as PACKAGES;
pub(super) use secrets::RULES as SECRETS;
pub(crate) use seen::Seen;
pub(super) use strict::RULES as STRICT;

use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;
