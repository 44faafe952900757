//! Histories survive the way to EDN and back; those of others are understood.

use super::*;
use crate::checker::generate::{Mix, Shape, generate};
use crate::checker::register::Register;
use crate::checker::unique_set::UniqueSet;
use crate::checker::{check_linearizable, sample};
use crate::history::{Consistency, Expect, Input, Outcome, Output};

#[test]
fn history_of_everything_reads_back() {
    let shape = Shape { operations: 500, keys: 4, clients: 5, unknown: 0.1, mix: Mix::Everything, seed: 3 };
    let mut history = generate(&shape);
    for (number, op) in history.iter_mut().enumerate() {
        // A process is one life of a client: it has one operation at a time, also after one that was lost.
        op.process = number as u64;
        op.connection = op.call_ns % 3;
    }
    let mut local = sample::local(1, 2, Some(("a \"quoted\"\n", 7)));
    (local.process, local.age_ms) = (9999, Some(12));
    history.push(local);
    let mut refused = sample::set_failed(3, 4, "x");
    (refused.process, refused.error) = (10_000, "no-leader".into());
    history.push(refused);
    history.sort_by_key(|op| op.call_ns);
    let mut back = parse(&to_text(&history), Subject::Register).unwrap();
    back.sort_by_key(|op| op.call_ns);
    assert_eq!(back, history);
}

#[test]
fn register_of_knossos() {
    let text = "[{:process 0, :type :invoke, :f :write, :value 1}
        {:process 1, :type :invoke, :f :cas, :value [1 2]}
        {:process 0, :type :ok, :f :write, :value 1}
        {:process :nemesis, :type :info, :f :start, :value nil}
        {:process 1, :type :fail, :f :cas, :value [1 2]}
        {:process 2, :type :invoke, :f :read, :value nil}
        {:process 3, :type :invoke, :f :write, :value 3}
        {:process 2, :type :ok, :f :read, :value 1}]";
    let history = parse(text, Subject::Register).unwrap();
    let outcomes: Vec<Outcome> = history.iter().map(|op| op.outcome).collect();
    assert_eq!(outcomes, [Outcome::Ok, Outcome::Fail, Outcome::Ok, Outcome::Unknown]);
    let cas = Input::Cas { expect: Expect::Value("1".into()), value: "2".into(), ttl_ms: None };
    assert_eq!((&history[1].input, history[1].key.as_str()), (&cas, "r"));
    assert_eq!(history[2].input, Input::Get(Consistency::Linearizable));
    assert!(check_linearizable(&Register::default(), &history).is_ok());
    let stale = text.replace(":f :read, :value 1", ":f :read, :value 9");
    let verdict = check_linearizable(&Register::default(), &parse(&stale, Subject::Register).unwrap());
    assert!(!verdict.is_ok());
}

#[test]
fn independent_keys() {
    let text = "{:process 0, :type :invoke, :f :cas, :value [7 [1 2]], :time 5}
        {:process 1, :type :invoke, :f :read, :value [8 nil], :time 6}
        {:process 0, :type :info, :f :cas, :value [7 [1 2]], :time 9}
        {:process 1, :type :ok, :f :read, :value [8 nil], :time 10}";
    let history = parse(text, Subject::Register).unwrap();
    let keys: Vec<&str> = history.iter().map(|op| op.key.as_str()).collect();
    assert_eq!(keys, ["7", "8"]);
    assert_eq!((history[0].call_ns, history[0].return_ns), (5, 9));
    assert_eq!(history[1].output, Some(Output::Read(None)));
}

#[test]
fn counters_sets_and_lists() {
    let judged = |subject, f: &str, read: &str| {
        let text = format!(
            "{{:process 0 :type :invoke :f :{f} :value 1}} {{:process 0 :type :ok :f :{f} :value 1}}
             {{:process 0 :type :invoke :f :{f} :value 2}} {{:process 0 :type :ok :f :{f} :value 2}}
             {{:process 0 :type :invoke :f :read :value nil}} {{:process 0 :type :ok :f :read :value {read}}}"
        );
        let history = parse(&text, subject).unwrap();
        match subject {
            Subject::Counter => check_linearizable(&Register::holding("0"), &history).is_ok(),
            Subject::Set => check_linearizable(&UniqueSet, &history).is_ok(),
            Subject::Register | Subject::Append => check_linearizable(&Register::default(), &history).is_ok(),
        }
    };
    assert!(judged(Subject::Counter, "add", "3") && !judged(Subject::Counter, "add", "4"));
    assert!(judged(Subject::Set, "add", "#{2 1}") && judged(Subject::Set, "add", "[2 1]"));
    assert!(!judged(Subject::Set, "add", "#{2}") && !judged(Subject::Set, "add", "#{1 2 3}"));
    assert!(judged(Subject::Append, "append", "[1 2]") && !judged(Subject::Append, "append", "[2 1]"));
}

#[test]
fn histories_that_make_no_sense_are_refused() {
    let bad = [
        "{:process 0 :type :ok :f :read :value 1}",
        "{:process 0 :type :invoke :f :fly :value 1}",
        "{:process 0 :type :invoke :f :read} {:process 0 :type :invoke :f :read}",
        "{:process 0 :type :invoke :f :read} {:process 0 :type :maybe :f :read}",
    ];
    for text in bad {
        assert!(parse(text, Subject::Register).is_err(), "{text}");
    }
}
