//! The root token's file: the only thing of this part that touches a disk.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Secret;
use crate::limits::{ROOT_TOKEN_BYTES_MIN, TOKEN_BYTES_MAX};

/// The root token's id, and the name of its user in the Redis protocol.
pub(super) const USER: &str = "root";
/// Bits of a file's mode that let everybody read or write it.
const OTHERS: u32 = 0o007;

/// Why the file gives no root token.
#[derive(Debug, thiserror::Error)]
pub enum RootTokenError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Everybody on the machine can read or change it.
    #[error("everybody on this machine can open it (mode {0:o}): chmod 600 it")]
    OpenToOthers(u32),
    /// It holds something else.
    #[error(
        "it must hold one line of {ROOT_TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} visible ASCII characters, such as \
         `head -c 32 /dev/urandom | base64` prints"
    )]
    Malformed,
}

/// Reads the root token: the file's text without blanks around it.
///
/// # Errors
/// The file cannot be read, is open to everybody, or holds no token.
pub fn read(path: &Path) -> Result<Secret, RootTokenError> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(RootTokenError::OpenToOthers(mode & 0o777));
    }
    let text = std::fs::read_to_string(path)?;
    let token = text.trim();
    let fits = (ROOT_TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len());
    match fits && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Secret::new(token)),
        false => Err(RootTokenError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> Result<Secret, RootTokenError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        read(file.path())
    }

    #[test]
    fn a_line_that_is_long_enough_is_taken() {
        let line = "x".repeat(ROOT_TOKEN_BYTES_MIN);
        assert_eq!(file(&format!("{line}\n"), 0o600).unwrap().expose(), line);
        assert!(file(&line, 0o440).is_ok(), "a group may read it: that is how Kubernetes mounts secrets");
    }

    #[test]
    fn what_is_short_open_or_odd_is_refused() {
        let line = "x".repeat(ROOT_TOKEN_BYTES_MIN);
        assert!(matches!(file(&line, 0o644), Err(RootTokenError::OpenToOthers(0o644))));
        for bad in [&line[1..], &format!("{line} x"), &format!("{line}\n{line}"), &"x".repeat(513), ""] {
            assert!(matches!(file(bad, 0o600), Err(RootTokenError::Malformed)), "{bad}");
        }
        assert!(matches!(read(Path::new("/nonexistent")), Err(RootTokenError::Io(_))));
    }
}
