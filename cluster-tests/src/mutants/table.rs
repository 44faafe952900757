//! The table of mutants: what caught each, and how soon.

use std::fmt;

use super::hunt::Hunt;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The mutant's number; 0: the product as it is.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// What its seeds are drawn to do.
    pub focus: &'static str,
    /// How the hunt went.
    pub hunt: Hunt,
    /// Seeds within which it has to be caught; `None`: nothing may be found at all.
    pub bound: Option<u64>,
}

impl Row {
    /// Whether it went as it has to.
    pub fn is_good(&self) -> bool {
        match self.bound {
            Some(bound) => self.hunt.caught.is_some() && self.hunt.seeds <= bound,
            None => self.hunt.caught.is_none(),
        }
    }

    /// The names of the columns.
    pub fn head() -> impl fmt::Display {
        Line(["#", "mutant", "plan", "caught by", "seed", "seeds", "bound", ""])
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seed, kind) = match &self.hunt.caught {
            Some((seed, kind)) => (seed.to_string(), kind.as_str()),
            None => ("-".to_owned(), "-"),
        };
        let bound = self.bound.map_or("none found".to_owned(), |bound| bound.to_string());
        let number = self.number.to_string();
        let verdict = if self.is_good() { "ok" } else { "FAILED" };
        let seeds = self.hunt.seeds.to_string();
        Line([&number, self.name, self.focus, kind, &seed, &seeds, &bound, verdict]).fmt(f)
    }
}

/// A line's cells.
struct Line<'a>([&'a str; 8]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [number, name, focus, kind, seed, seeds, bound, verdict] = self.0;
        write!(
            f,
            "{number:>2}  {name:<26} {focus:<12} {kind:<28} {seed:>8} {seeds:>6} {bound:>10}  {verdict}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bound: Option<u64>, seeds: u64, caught: bool) -> Row {
        let caught = caught.then(|| (seeds, "StaleRead".to_owned()));
        Row {
            number: 4,
            name: "skip-read-round",
            focus: "all",
            hunt: Hunt { first: 1, seeds, caught },
            bound,
        }
    }

    #[test]
    fn a_mutant_has_to_be_caught_within_its_bound_and_the_product_never() {
        assert!(row(Some(20), 20, true).is_good());
        assert!(!row(Some(20), 21, true).is_good());
        assert!(!row(Some(20), 20, false).is_good());
        assert!(row(None, 20, false).is_good());
        assert!(!row(None, 20, true).is_good());
    }

    #[test]
    fn the_columns_of_a_row_stand_under_their_names() {
        let line = row(Some(20), 7, true).to_string();
        let at = |text: &str, word: &str| text.find(word).unwrap();
        assert_eq!(at(&Row::head().to_string(), "caught by"), at(&line, "StaleRead"), "{line}");
        assert!(line.ends_with("20  ok"), "{line}");
    }
}
