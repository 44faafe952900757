//! What earlier versions wrote stays readable.

use super::*;
