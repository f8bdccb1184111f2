//! Lists that are sorted by one of their columns and read page by page, forwards and backwards.
//!
//! A page is found by the keys of the row beside it, never by counting: rows that come or go meanwhile make nothing
//! be shown twice or left out. What a list can be sorted by is a closed set, and its SQL is written here in the store.

use std::marker::PhantomData;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sqlx::{FromRow, Postgres, QueryBuilder, Row, postgres::PgRow};
use uuid::Uuid;

use super::{PgConnection, Result};

/// A part of what rows are sorted by: an SQL expression that is never null, by the kind of its values.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Text, in the order of the database's collation.
    Text(&'static str),
    /// `bigint`.
    Number(&'static str),
    /// `uuid`.
    Id(&'static str),
}

impl Key {
    fn sql(self) -> &'static str {
        match self {
            Self::Text(sql) | Self::Number(sql) | Self::Id(sql) => sql,
        }
    }

    fn is_value(self, text: &str) -> bool {
        match self {
            Self::Text(_) => !text.chars().any(char::is_control),
            Self::Number(_) => text.parse::<i64>().is_ok(),
            Self::Id(_) => text.parse::<Uuid>().is_ok(),
        }
    }
}

/// The columns that a list can be sorted by. The default is the list's own order.
pub trait Columns: Copy + Default + Eq + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The column's word in addresses, and the keys that rows are sorted by: no two rows have them all in common.
    fn column(self) -> (&'static str, &'static [Key]);

    /// The column's word in addresses.
    fn word(self) -> &'static str {
        self.column().0
    }

    /// The column of this word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.word() == word)
    }
}

/// How a list is sorted, and where the page that is asked for begins or ends.
#[derive(Clone, Debug, Default)]
pub struct Sorting<By> {
    /// The column.
    pub by: By,
    /// The largest first.
    pub descending: bool,
    place: Option<Place>,
}

/// The keys of the row beside a page, each a valid value of its kind.
#[derive(Clone, Debug)]
struct Place {
    keys: Vec<String>,
    /// The page ends before that row rather than begins after it.
    backwards: bool,
}

impl<By: Columns> Sorting<By> {
    /// From the beginning of the list.
    pub fn new(by: By, descending: bool) -> Self {
        Self { by, descending, place: None }
    }

    /// The same order, from [`Page::next`] of the page before on. `None` where the text cannot be one of this order.
    pub fn after(&self, next: &str) -> Option<Self> {
        self.at(next, false)
    }

    /// The same order, up to [`Page::previous`] of the page after. `None` where the text cannot be one of this order.
    pub fn before(&self, previous: &str) -> Option<Self> {
        self.at(previous, true)
    }

    fn at(&self, cursor: &str, backwards: bool) -> Option<Self> {
        let keys: Vec<String> = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (_, kinds) = self.by.column();
        let fits = keys.len() == kinds.len() && kinds.iter().zip(&keys).all(|(kind, key)| kind.is_value(key));
        fits.then_some(Self { by: self.by, descending: self.descending, place: Some(Place { keys, backwards }) })
    }

    fn is_backwards(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.backwards)
    }
}

/// A page of a list: at most as many rows as were asked for, and where the pages beside it are.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// What to ask the next page with; `None` on the last.
    pub next: Option<String>,
    /// What to ask the page before with; `None` on the first, and for lists that are read forwards only.
    pub previous: Option<String>,
}

impl<T> Page<T> {
    /// A page of a list that is read forwards only, from one row more than was asked for: that row says that there is
    /// a next page.
    pub(super) fn cut(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let next = if rows.len() > limit {
            rows.truncate(limit);
            rows.last().map(key)
        } else {
            None
        };
        Self { items: rows, next, previous: None }
    }

    /// From rows with their keys, one more than was asked for, in the order in which they were read.
    fn sorted<By: Columns>(sorting: &Sorting<By>, mut rows: Vec<(Vec<String>, T)>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        if sorting.is_backwards() {
            rows.reverse();
        }
        let (first, last) = (rows.first().map(|row| cursor(&row.0)), rows.last().map(|row| cursor(&row.0)));
        let (previous, next) = match &sorting.place {
            Some(place) if place.backwards => (first.filter(|_| is_more), last),
            Some(_) => (first, last.filter(|_| is_more)),
            None => (None, last.filter(|_| is_more)),
        };
        Self { items: rows.into_iter().map(|row| row.1).collect(), next, previous }
    }

    /// The same page of other items; the first error where there is one.
    pub(super) fn map<U>(self, make: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        let items = self.items.into_iter().map(make).collect::<Result<Vec<_>>>()?;
        Ok(Page { items, next: self.next, previous: self.previous })
    }
}

/// The pattern of `like` for what holds the text.
pub(super) fn holds(text: &str) -> String {
    format!("%{}%", literal(text))
}

/// The text as a pattern of `like` takes it letter by letter.
pub(super) fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn cursor(keys: &[String]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::Value::from(keys.to_vec()).to_string())
}

/// The statement that reads a page of a sorted list. What is pushed to it is SQL of the program; values are bound.
pub(super) struct Listing<By> {
    sql: QueryBuilder<Postgres>,
    by: PhantomData<By>,
}

impl<By: Columns> Listing<By> {
    /// Begins with these columns. What follows is `from …`, up to and including a `where` with a condition.
    pub fn select(columns: &'static str, sorting: &Sorting<By>) -> Self {
        // The place comes last: rows that are tuples are read by their columns' numbers.
        let mut sql = QueryBuilder::new("select ");
        sql.push(columns).push(", array[");
        let (_, keys) = sorting.by.column();
        for (i, key) in keys.iter().enumerate() {
            sql.push(if i == 0 { "(" } else { ", (" }).push(key.sql()).push(")::text");
        }
        sql.push("] as place ");
        Self { sql, by: PhantomData }
    }

    /// Goes on with this.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push(sql);
        self
    }

    /// Goes on with a value.
    pub fn bind<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'t, Postgres> + sqlx::Type<Postgres> + 't,
    {
        self.sql.push_bind(value);
        self
    }

    /// Only rows for which one of these conditions holds, in which `$` stands for the text in lower case, and after
    /// `like` for the pattern of what holds it; all rows where the text is empty.
    pub fn holding(&mut self, text: &str, conditions: &[&'static str]) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        for (i, condition) in conditions.iter().enumerate() {
            let (before, after) = condition.split_once('$').unwrap_or((condition, ""));
            self.push(if i == 0 { " and (" } else { " or " }).push(before).push("lower(");
            self.bind(if before.ends_with("like ") { holds(text) } else { text.to_owned() }).push(")").push(after);
        }
        self.push(")")
    }

    /// Only rows for which the condition holds, in which `$` stands for the value; all rows where there is none.
    pub fn only(&mut self, condition: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            let (before, after) = condition.split_once('$').unwrap_or((condition, ""));
            self.push(" and ").push(before).bind(value.to_owned()).push(after);
        }
        self
    }

    /// Reads the page.
    pub async fn read<R>(mut self, db: &mut PgConnection, sorting: &Sorting<By>, limit: i64) -> Result<Page<R>>
    where
        R: for<'r> FromRow<'r, PgRow>,
    {
        let (_, keys) = sorting.by.column();
        let falling = sorting.descending != sorting.is_backwards();
        if let Some(place) = &sorting.place {
            self.beside(keys, &place.keys, falling);
        }
        for (i, key) in keys.iter().enumerate() {
            self.push(if i == 0 { " order by " } else { ", " }).push(key.sql());
            self.push(if falling { " desc" } else { "" });
        }
        self.push(" limit ").bind(limit.saturating_add(1));
        let rows = self.sql.build().fetch_all(db).await?;
        let rows = rows.iter().map(|row| Ok((row.try_get("place")?, R::from_row(row)?)));
        Ok(Page::sorted(sorting, rows.collect::<sqlx::Result<Vec<_>>>()?, limit))
    }

    /// Only rows beyond the one with these keys.
    fn beside(&mut self, keys: &'static [Key], values: &[String], falling: bool) {
        let beyond = if falling { "<" } else { ">" };
        // Where keys come from several tables, no index serves the whole comparison; one serves its first part alone.
        if let (Some(Key::Text(first)), Some(value), true) = (keys.first(), values.first(), keys.len() > 1) {
            self.push(" and ").push(first).push(" ").push(beyond).push("= ").bind(value.clone());
        }
        for (i, key) in keys.iter().enumerate() {
            self.push(if i == 0 { " and (" } else { ", " }).push(key.sql());
        }
        self.push(") ").push(beyond);
        for (i, (key, value)) in keys.iter().zip(values).enumerate() {
            self.push(if i == 0 { " (" } else { ", " });
            match key {
                Key::Text(_) => self.bind(value.clone()),
                // Both were looked at when the place was read.
                Key::Number(_) => self.bind(value.parse::<i64>().unwrap_or_default()),
                Key::Id(_) => self.bind(value.parse::<Uuid>().unwrap_or_default()),
            };
        }
        self.push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    enum By {
        #[default]
        Name,
        Count,
    }

    impl Columns for By {
        const ALL: &'static [Self] = &[Self::Name, Self::Count];

        fn column(self) -> (&'static str, &'static [Key]) {
            match self {
                Self::Name => ("name", &[Key::Text("name"), Key::Id("id")]),
                Self::Count => ("count", &[Key::Number("count"), Key::Id("id")]),
            }
        }
    }

    fn encoded(json: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    #[test]
    fn a_pattern_holds_the_text_letter_by_letter() {
        assert_eq!(holds(r"a_b%c\d"), r"%a\_b\%c\\d%");
    }

    #[test]
    fn only_a_place_of_the_very_order_is_taken() {
        let id = Uuid::nil();
        let (name, count) = (Sorting::new(By::Name, false), Sorting::new(By::Count, true));
        let (by_name, by_count) = (encoded(&format!(r#"["a~b","{id}"]"#)), encoded(&format!(r#"["7","{id}"]"#)));
        assert!(name.after(&by_name).is_some() && name.before(&by_count).is_some());
        assert!(count.after(&by_count).is_some() && count.after(&by_name).is_none());
        let (short, long) = (encoded(r#"["a"]"#), encoded(&format!(r#"["a","{id}","b"]"#)));
        let (kinds, nul) = (encoded(&format!(r#"[7,"{id}"]"#)), encoded(&format!(r#"["\u0000","{id}"]"#)));
        for bad in ["", "x", "a~b", "W10", &short, &long, &kinds, &nul, &format!("{by_name}=")] {
            assert!(name.after(bad).is_none() && name.before(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_page_knows_whether_there_are_others() {
        let keys = |n: i64| vec![n.to_string(), Uuid::nil().to_string()];
        let rows = |numbers: &[i64]| numbers.iter().map(|n| (keys(*n), *n)).collect::<Vec<_>>();
        let start = Sorting::new(By::Count, false);
        let page = Page::sorted(&start, rows(&[1, 2, 3]), 2);
        assert_eq!((page.items, &page.next, page.previous), (vec![1, 2], &Some(cursor(&keys(2))), None));
        let after = start.after(&cursor(&keys(2))).unwrap();
        let page = Page::sorted(&after, rows(&[3, 4]), 2);
        assert_eq!((page.items, page.next, page.previous), (vec![3, 4], None, Some(cursor(&keys(3)))));
        let before = start.before(&cursor(&keys(4))).unwrap();
        let page = Page::sorted(&before, rows(&[3, 2, 1]), 2);
        let beside = (Some(cursor(&keys(3))), Some(cursor(&keys(2))));
        assert_eq!((page.items, (page.next, page.previous)), (vec![2, 3], beside));
    }
}
