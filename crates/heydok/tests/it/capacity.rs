//! `heydok bench --capacity`, as an operator runs it.

use std::process::Command;

/// It needs nothing but itself, leaves nothing behind, and says something of each kind of room.
#[test]
fn what_this_machine_carries_is_told() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut bench = Command::new(env!("CARGO_BIN_EXE_heydok"));
    bench.args(["bench", "--capacity", "--seconds", "1"]).current_dir(folder.path()).env("TMPDIR", temporary.path());
    let output = bench.output().unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complaints}");
    for words in ["in video, in meetings of four", "who listen to four who speak"] {
        // A machine that runs all tests at once may have no time for it, and says so.
        let told = [format!(" people {words}."), format!("People {words} lost packets")];
        assert!(told.iter().any(|told| said.contains(told)), "{said}");
    }
    assert!(
        folder.path().read_dir().unwrap().next().is_none() && temporary.path().read_dir().unwrap().next().is_none()
    );
}
