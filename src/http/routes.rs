//! The router while it grows.

use axum::Router;
use axum::routing::MethodRouter;

use super::{App, openapi};

/// A router that takes no path without a description, so that none is ever served: wherever debug assertions are on, as
/// in every test, a node with such a path does not start.
#[derive(Debug, Default)]
pub(super) struct Routes(Router<App>);

impl Routes {
    /// Adds a path.
    ///
    /// # Panics
    /// When it is not described, in builds with debug assertions.
    pub(super) fn route(self, path: &'static str, on: MethodRouter<App>) -> Self {
        debug_assert!(openapi::describes(path), "{path} is not described in http/openapi/paths");
        Self(self.0.route(path, on))
    }

    /// The router.
    pub(super) fn router(self) -> Router<App> {
        self.0
    }
}
