//! Inputs that nobody should send.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use shared::{
    ids::{HoldId, OwnerId},
    store::{Transaction, bookings::Hold},
};

use local::world::{PhoneCall, ToolCall};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, wanted};
use crate::harness::{Town, USER, at};
