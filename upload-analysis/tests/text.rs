//! What is said of texts of known content.
#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

use upload_analysis::{Analysis, SummaryKind, TextSettings, analyse};

const APPLES: &str = "Fertilising apple trees\n\n\
    Apple trees need nitrogen, potassium and calcium to bear fruit every year. The soil pH decides how much of \
    these nutrients the roots can take up.\nA soil test shows the soil pH and how much potassium is left in the \
    orchard. Dr. M. Hanson advises to repeat the soil test every three years.\n\n\
    Too much nitrogen makes apple trees grow leaves instead of fruit. Leaf analysis in late July tells whether \
    the trees took up enough nitrogen. Growers who rely on leaf analysis use less fertiliser. It rained.\n\n\
    Costs\nThe weather was fine in the year 2019.\nSee page 12, 13, 14, 15, 16, 17, 18 and 19 (2019).\n";

fn says(text: &str) -> Analysis {
    analyse(text, &TextSettings::default())
}

#[test]
fn an_english_text_is_told_by_its_own_sentences() {
    let analysis = says(APPLES);
    println!("{analysis:#?}");
    assert_eq!(analysis.language, Some("en"));
    assert_eq!(analysis.summary_kind, Some(SummaryKind::Extractive));
    let summary = analysis.summary.unwrap();
    assert!(summary.starts_with("Apple trees need nitrogen, potassium and calcium"), "{summary}");
    assert!(!summary.contains("weather") && !summary.contains("2019"), "{summary}");
    for topic in ["apple trees", "soil test", "leaf analysis"] {
        assert!(analysis.topics.iter().any(|found| found == topic), "{:?}", analysis.topics);
    }
    for keyword in ["nitrogen", "soil", "trees", "potassium"] {
        assert!(analysis.keywords.contains(&keyword.to_owned()), "{:?}", analysis.keywords);
    }
    assert!(!analysis.partial);
}

#[test]
fn the_same_text_gives_the_same() {
    assert_eq!(says(APPLES), says(APPLES));
}

#[test]
fn other_languages_are_told_too() {
    let german = "Der Wald im Norden ist alt. Die Bäume im Wald sind Eichen und Buchen, die vor dreihundert Jahren \
        gepflanzt wurden. Die Förster zählen jedes Jahr die Eichen und die Buchen. Ohne die Förster wäre der Wald \
        längst verschwunden.";
    let analysis = says(german);
    assert_eq!(analysis.language, Some("de"));
    assert_eq!(analysis.keywords[0], "Wald");
    assert!(analysis.summary.unwrap().contains("Wald"));
    let french = "L'eau de la rivière est froide. Les poissons de la rivière aiment l'eau froide, et les pêcheurs \
        aiment les poissons. Quand l’eau monte, les pêcheurs rentrent chez eux.";
    let analysis = says(french);
    assert_eq!(analysis.language, Some("fr"));
    assert!(analysis.keywords.contains(&"rivière".to_owned()), "{:?}", analysis.keywords);
    assert!(!analysis.keywords.iter().any(|word| word.contains(['\'', '’'])), "{:?}", analysis.keywords);
    let russian = "Река течёт на север. Рыба в реке есть круглый год, но рыбаки приходят только летом. Летом рыбаки \
        ловят рыбу и продают её в городе, который стоит на берегу.";
    let analysis = says(russian);
    assert_eq!(analysis.language, Some("ru"));
    assert!(analysis.keywords.contains(&"рыбаки".to_owned()), "{:?}", analysis.keywords);
    let hebrew = "העץ הגדול עומד בגן כבר מאה שנה. כל ילד בעיר מכיר את העץ הגדול ואת הגן, כי שם הם משחקים בכל יום. \
        בחורף אין עלים על העץ הגדול, אבל הגן פתוח.";
    let analysis = says(hebrew);
    assert_eq!(analysis.language, Some("he"));
    assert!(analysis.summary.is_some() && !analysis.keywords.is_empty(), "{analysis:?}");
}

#[test]
fn a_plural_is_no_other_word() {
    let text = "The signed request of the client is short. Many signed requests are kept by the server. What the \
        clients of the server send is read once.";
    let analysis = says(text);
    assert_eq!(analysis.topics, ["signed request"]);
    assert!(analysis.keywords.contains(&"client".to_owned()), "{:?}", analysis.keywords);
    assert!(!analysis.keywords.contains(&"clients".to_owned()), "{:?}", analysis.keywords);
}

#[test]
fn what_was_said_is_not_said_again() {
    let text = "The river floods the old market in spring. The old market is flooded by the river each spring. The \
        river floods the market, the old one, in spring. Salt is bought by merchants from the northern villages.";
    let mut settings = TextSettings::default();
    settings.max_sentences = 2;
    let summary = analyse(text, &settings).summary.unwrap();
    assert!(summary.contains("river") && summary.contains("Salt"), "{summary}");
    let once = "The river floods the old market in spring.";
    let again = format!("{once} ").repeat(5);
    assert_eq!(says(&again).summary.as_deref(), Some(once));
}

#[test]
fn no_topic_contains_another() {
    let text = "The annual leaf report is read by the growers. They ask for the annual leaf report and for a leaf \
        report of the neighbours. The leaf report is not kept.";
    assert_eq!(says(text).topics, ["leaf report"]);
}

#[test]
fn a_list_of_words_is_no_prose() {
    // Only one language has these letters, so they alone would tell it.
    let list = "Κυβέρνηση, κοινοβούλιο, επιτροπή, υπουργείο, γεωργία, εκπαίδευση, συγκοινωνίες, περιβάλλον. ";
    assert_eq!(says(&list.repeat(3)), Analysis::default());
}

#[test]
fn a_preface_in_another_language_does_not_count_for_the_rest() {
    let preface =
        "Das ist das Vorwort zu einem Buch, und das Buch ist auf Englisch, nicht auf Deutsch. ".repeat(100);
    assert_eq!(says(&preface).language, Some("de"));
    let text = preface + &APPLES.repeat(60);
    assert_eq!(says(&text).language, Some("en"));
}

#[test]
fn where_words_do_not_stand_apart_only_the_language_is_said() {
    for (text, language) in [
        ("苹果树在春天需要氮肥。果园的土壤每三年要检测一次。土壤的酸碱度决定根能吸收多少养分。", "zh"),
        ("りんごの木は春に窒素を必要とします。果樹園の土は三年ごとに検査されます。", "ja"),
        ("ต้นแอปเปิลต้องการไนโตรเจนในฤดูใบไม้ผลิ และดินในสวนต้องตรวจทุกสามปี", "th"),
        ("사과나무는 봄에 질소가 필요하다. 과수원의 흙은 삼 년마다 검사한다.", "ko"),
    ] {
        let analysis = says(text);
        assert_eq!(analysis.language, Some(language));
        assert_eq!((analysis.summary, analysis.summary_kind), (None, None));
        assert!(analysis.topics.is_empty() && analysis.keywords.is_empty());
    }
}

#[test]
fn what_is_no_prose_has_nothing_said_of_it() {
    let stop_words = "the of and to in is that it was for on are with as at be this have from or ".repeat(50);
    let numbers = "12;7.5;3,400;2019-02-03\n".repeat(200);
    let noise = "xkq zzgh wvvp qqrt pltk ".repeat(100);
    for text in ["", " \n\t", "7", "...", "Hello.", &numbers, &noise] {
        let analysis = says(text);
        assert_eq!(analysis, Analysis::default(), "{text:.40}");
    }
    let analysis = says(&stop_words);
    assert_eq!((analysis.summary, analysis.topics, analysis.keywords), (None, vec![], vec![]));
}

#[test]
fn a_summary_keeps_its_bounds() {
    let mut settings = TextSettings::default();
    settings.max_sentences = 1;
    assert_eq!(analyse(APPLES, &settings).summary.unwrap().matches('.').count(), 1);
    settings.max_sentences = 32;
    settings.max_summary = 100;
    assert!(analyse(APPLES, &settings).summary.unwrap().chars().count() <= 100);
    settings.max_summary = 20;
    assert_eq!(analyse(APPLES, &settings).summary, None);
    settings.max_topics = 1;
    settings.max_keywords = 0;
    let analysis = analyse(APPLES, &settings);
    assert_eq!((analysis.topics.len(), analysis.keywords.len()), (1, 0));
}

#[test]
fn of_a_long_text_the_beginning_is_looked_at_and_said_so() {
    let mut settings = TextSettings::default();
    settings.max_text = APPLES.len();
    assert!(!analyse(APPLES, &settings).partial);
    let longer = format!("{APPLES} Bananas are yellow. Bananas are yellow and sweet.");
    let analysis = analyse(&longer, &settings);
    assert!(analysis.partial && !analysis.keywords.iter().any(|word| word == "Bananas"));
}

#[test]
fn what_is_shown_is_on_one_line_and_hides_nothing() {
    let text = "The river bank \u{202e}was flooded\u{7}\tby the river in the cold and long\r\nspring of that year. \
        They say that the river bank was not repaired for years.";
    let summary = says(text).summary.unwrap();
    assert!(summary.starts_with("The river bank was flooded by the river"), "{summary:?}");
}

#[test]
fn absent_fields_are_absent_from_the_json_too() {
    let json = |text| serde_json::to_value(says(text)).unwrap();
    assert_eq!(json(""), serde_json::json!({}));
    let full = json(APPLES);
    let names: Vec<_> = full.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(full["summary_kind"], "extractive");
}
