//! `resp_fuzz::pipeline::check` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| resp_fuzz::pipeline::check(bytes));
