//! Where the `quorate` program is: beside the test program, built first when it is not there.
