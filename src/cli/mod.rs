//! The command line: arguments to configuration or requests, answers to text and exit codes.
