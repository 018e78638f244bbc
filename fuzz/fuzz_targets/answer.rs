//! Answers, at the SFU.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sfu::fuzz::answer(testkit::origin(), &String::from_utf8_lossy(bytes)));
