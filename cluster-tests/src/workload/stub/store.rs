//! The stub's store: operations in the form of a batch's, results in the form of a batch's.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use serde_json::{Value, json};

use super::Fault;

/// Each this many operations the fault may strike.
const FAULT_INTERVAL: u64 = 20;
/// By how much a store shows keys too long that does.
const EXPIRES_LATE_MS: u64 = 200;
/// A failed write that is carried out later is, after so many operations.
const LATER: u64 = 30;
/// Group time when the store begins, ms.
const TIME_MS: u64 = 1_000_000;
/// Bytes from which a value is huge.
const HUGE_BYTES: usize = 10_000;

/// The store.
#[derive(Debug)]
pub(super) struct Store {
    fault: Fault,
    began: Instant,
    /// Group time: stands still while an operation is carried out.
    now_ms: u64,
    operations: u64,
    armed: bool,
    version: u64,
    entries: HashMap<String, Entry>,
    /// Operations to carry out later, and when.
    later: VecDeque<(u64, Value)>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    now: Option<Live>,
    before: Option<Live>,
}

#[derive(Debug, Clone)]
struct Live {
    value: Value,
    version: u64,
    /// Group time, ms.
    deadline: Option<u64>,
    written: u64,
}

impl Store {
    /// An empty one.
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            fault,
            began: Instant::now(),
            now_ms: TIME_MS,
            operations: 0,
            armed: false,
            version: 0,
            entries: HashMap::new(),
            later: VecDeque::new(),
        }
    }

    /// Carries out one operation; an error: the answer does not arrive.
    pub(super) fn one(&mut self, item: &Value, is_local: bool) -> Result<Value, String> {
        self.operations += 1;
        self.now_ms = TIME_MS + self.began.elapsed().as_millis() as u64;
        self.armed |= self.operations.is_multiple_of(FAULT_INTERVAL);
        while self.later.front().is_some_and(|(at, _)| *at <= self.operations) {
            if let Some((_, item)) = self.later.pop_front() {
                self.write(&item);
            }
        }
        if item["op"] == "get" {
            return Ok(self.get(item, is_local));
        }
        if self.strikes(Fault::FailThenApply) {
            self.later.push_back((self.operations + LATER, item.clone()));
            return Ok(not_applied(503, "no-leader"));
        }
        let result = self.write(item);
        if self.strikes(Fault::HangUp) {
            return Err("hung up".into());
        }
        let done = result["status"] == 200;
        if done && self.strikes(Fault::FailButApply) {
            return Ok(not_applied(503, "no-leader"));
        }
        Ok(result)
    }

    /// Carries out a batch.
    pub(super) fn batch(&mut self, items: &[Value], is_local: bool) -> Result<Vec<Value>, String> {
        let writes = items.iter().filter(|item| item["op"] == "set" && item["if_version"].is_null()).count();
        let mut lost = writes > 1 && self.strikes(Fault::PartialBatch);
        let mut results = Vec::new();
        for item in items {
            if lost && item["op"] == "set" && item["if_version"].is_null() && item["if_absent"].is_null() {
                lost = false;
                self.version += 1;
                results.push(self.written(self.version, false, None));
            } else {
                results.push(self.one(item, is_local)?);
            }
        }
        Ok(results)
    }

    /// Whether this fault strikes now; then not again for a while.
    fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.fault == fault && self.armed;
        self.armed &= !strikes;
        strikes
    }

    /// What lives under a key, as the store would have it.
    fn live(&self, key: &str) -> Option<Live> {
        let (now, live) = (self.now_ms, self.entries.get(key)?.now.clone()?);
        let deadline = match (live.deadline, self.fault) {
            (Some(deadline), Fault::ExpireEarly) => Some(deadline - (deadline - live.written) / 2),
            (Some(deadline), Fault::ExpireLate) => Some(deadline + EXPIRES_LATE_MS),
            (deadline, _) => deadline,
        };
        deadline.is_none_or(|deadline| now < deadline).then_some(live)
    }

    fn get(&mut self, item: &Value, is_local: bool) -> Value {
        let key = item["key"].as_str().unwrap();
        let stale = self.strikes(Fault::StaleRead) || (is_local && self.strikes(Fault::StaleLocal));
        let seen = match self.entries.get(key).cloned() {
            Some(Entry { before: Some(before), .. }) if stale => Some(before),
            _ => self.live(key),
        };
        let age = is_local.then_some(0);
        let Some(Live { mut value, version, deadline, .. }) = seen else {
            let mut miss = not_applied(404, "miss");
            (miss["time_ms"], miss["staleness_ms"]) = (self.now_ms.into(), age.into());
            return miss;
        };
        if value.as_str().is_some_and(|text| text.len() > HUGE_BYTES) && self.strikes(Fault::Damage) {
            let mut text = value.as_str().unwrap().to_owned();
            text.replace_range(HUGE_BYTES - 1..HUGE_BYTES, "!");
            value = text.into();
        }
        let left = deadline.map(|deadline| deadline.saturating_sub(self.now_ms));
        json!({"status": 200, "value": value, "version": version, "time_ms": self.now_ms,
               "staleness_ms": age, "expires_in_ms": left})
    }

    fn write(&mut self, item: &Value) -> Value {
        let key = item["key"].as_str().unwrap().to_owned();
        let mut live = self.live(&key);
        if item["if_absent"] == true && live.is_some() && self.strikes(Fault::TwoHolders) {
            live = None;
        }
        let current = live.as_ref().map(|live| live.version);
        let holds = (item["if_absent"] != true || current.is_none())
            && (item["if_present"] != true || current.is_some())
            && item["if_version"].as_u64().is_none_or(|version| current == Some(version));
        if !holds {
            let mut mismatch = not_applied(412, "version-mismatch");
            mismatch["current_version"] = current.into();
            return mismatch;
        }
        match item["op"].as_str().unwrap() {
            "delete" => self.delete(key, live),
            "touch" | "persist" if live.is_none() => not_applied(404, "miss"),
            op => self.change(op.to_owned(), key, live, item),
        }
    }

    fn delete(&mut self, key: String, live: Option<Live>) -> Value {
        self.version += u64::from(live.is_some());
        let deleted = live.is_some();
        if !self.strikes(Fault::LoseWrite) {
            self.entries.insert(key, Entry { now: None, before: live });
        }
        json!({"status": 200, "deleted": deleted, "version": self.version, "time_ms": self.now_ms})
    }

    fn change(&mut self, op: String, key: String, live: Option<Live>, item: &Value) -> Value {
        self.version += 1;
        let (version, now) = (self.version, self.now_ms);
        let kept = live.as_ref().and_then(|live| live.deadline);
        let given = item["ttl_ms"].as_u64().map(|ttl| now + ttl);
        let deadline = match &*op {
            "set" | "touch" => given,
            "persist" => None,
            _ => kept,
        };
        let old = live.as_ref().map(|live| live.value.clone());
        let (value, told) = self.value(&op, old, item);
        let lost = self.strikes(Fault::LoseWrite) || (op == "append" && self.strikes(Fault::LoseAppend));
        if !lost {
            let new = Live { value, version, deadline, written: now };
            self.entries.insert(key, Entry { now: Some(new), before: live.clone() });
        }
        let mut result = self.written(version, live.is_none(), deadline);
        result["value"] = told;
        result
    }

    /// The new value, and what is told of it.
    fn value(&mut self, op: &str, old: Option<Value>, item: &Value) -> (Value, Value) {
        match op {
            "set" => (item["value"].clone(), Value::Null),
            "incr" => {
                let by = item["by"].as_i64().unwrap();
                let sum = old.map_or(0, |old| old.as_i64().unwrap()) + by;
                let twice = self.strikes(Fault::DoubleIncr);
                (json!(if twice { sum + by } else { sum }), sum.into())
            }
            "append" => {
                let times = if self.strikes(Fault::DoubleAppend) { 2 } else { 1 };
                let old = old.map_or(String::new(), |old| old.as_str().unwrap().to_owned());
                ((old + &item["value"].as_str().unwrap().repeat(times)).into(), Value::Null)
            }
            _ => (old.unwrap_or_default(), Value::Null),
        }
    }

    fn written(&self, version: u64, created: bool, deadline: Option<u64>) -> Value {
        let now = self.now_ms;
        let left = deadline.map(|deadline| deadline - now);
        json!({"status": 200, "version": version, "created": created, "time_ms": now, "expires_in_ms": left})
    }
}

fn not_applied(status: u16, problem: &str) -> Value {
    json!({"status": status, "type": format!("/problems/{problem}"), "outcome": "not_applied"})
}
