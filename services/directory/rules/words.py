"""The code lists of the directory in eight languages, and the words by which people ask for a code.

Order of the columns: en, lt, lv, et, fi, sv, nb, ru (directory.md section 1). A code that is not here is shown as words
made of itself. Native readers should check all but English.
"""

from __future__ import annotations

from collections.abc import Iterator

LANGUAGES = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")
Texts = tuple[str, str, str, str, str, str, str, str]

KIND: dict[str, Texts] = {
    "peer_group": (
        "Men's peer group", "Vyrų savitarpio pagalbos grupė", "Vīriešu atbalsta grupa", "Meeste tugigrupp",
        "Miesryhmä", "Mansgrupp", "Mannsgruppe", "Мужская группа поддержки",
    ),
    "behaviour_change": (
        "Behaviour change programme", "Elgesio keitimo programa", "Uzvedības maiņas programma",
        "Käitumise muutmise programm", "Väkivallan katkaisuohjelma", "Beteendeförändringsprogram",
        "Atferdsendringsprogram", "Программа изменения поведения",
    ),
    "father_support": (
        "Support for fathers", "Pagalba tėvams vyrams", "Atbalsts tēviem", "Isade tugi", "Tuki isille",
        "Stöd till pappor", "Støtte til fedre", "Поддержка отцов",
    ),
    "immigrant_support": (
        "Support for immigrants", "Pagalba imigrantams", "Atbalsts imigrantiem", "Sisserändajate tugi",
        "Tuki maahanmuuttajille", "Stöd till invandrare", "Støtte til innvandrere", "Поддержка мигрантов",
    ),
    "training": (
        "Training", "Mokymai", "Apmācības", "Koolitus", "Koulutus", "Utbildning", "Opplæring", "Обучение",
    ),
    "divorce_support": (
        "Support in divorce", "Pagalba skiriantis", "Atbalsts šķiršanās laikā", "Tugi lahutuse korral",
        "Tuki erossa", "Stöd vid skilsmässa", "Støtte ved skilsmisse", "Поддержка при разводе",
    ),
    "helpline": (
        "Helpline", "Pagalbos linija", "Palīdzības tālrunis", "Tugiliin", "Auttava puhelin", "Hjälplinje",
        "Hjelpetelefon", "Линия помощи",
    ),
    "consultation": (
        "Consultation", "Konsultacijos", "Konsultācijas", "Nõustamine", "Neuvonta", "Rådgivning", "Rådgivning",
        "Консультации",
    ),
}  # fmt: skip
NEED: dict[str, Texts] = {
    "violence_own_use": (
        "Has used violence", "Smurtavo pats", "Pats lietojis vardarbību", "On kasutanud vägivalda",
        "On käyttänyt väkivaltaa", "Har använt våld", "Har brukt vold", "Применял насилие",
    ),
    "violence_experienced": (
        "Has suffered violence", "Patyrė smurtą", "Cietis no vardarbības", "On kogenud vägivalda",
        "On kokenut väkivaltaa", "Har utsatts för våld", "Har vært utsatt for vold", "Пострадал от насилия",
    ),
    "divorce_contact": (
        "Divorce and contact with children", "Skyrybos ir ryšys su vaikais", "Šķiršanās un saikne ar bērniem",
        "Lahutus ja suhtlus lastega", "Ero ja yhteys lapsiin", "Skilsmässa och kontakt med barnen",
        "Skilsmisse og kontakt med barna", "Развод и общение с детьми",
    ),
    "crisis_suicidal": (
        "Crisis or thoughts of suicide", "Krizė ar mintys apie savižudybę", "Krīze vai domas par pašnāvību",
        "Kriis või enesetapumõtted", "Kriisi tai itsemurha-ajatuksia", "Kris eller självmordstankar",
        "Krise eller selvmordstanker", "Кризис или мысли о самоубийстве",
    ),
    "substance": (
        "Alcohol or drugs", "Alkoholis ar narkotikai", "Alkohols vai narkotikas", "Alkohol või uimastid",
        "Alkoholi tai päihteet", "Alkohol eller droger", "Alkohol eller rusmidler", "Алкоголь или наркотики",
    ),
    "loss": ("Loss", "Netektis", "Zaudējums", "Kaotus", "Menetys", "Förlust", "Tap", "Утрата"),
    "release_from_custody": (
        "Release from prison", "Išėjimas iš įkalinimo", "Atbrīvošana no ieslodzījuma", "Vabanemine vanglast",
        "Vapautuminen vankilasta", "Frigivning", "Løslatelse", "Освобождение из заключения",
    ),
    "fatherhood": (
        "Fatherhood", "Tėvystė", "Tēva loma", "Isadus", "Isyys", "Faderskap", "Farskap", "Отцовство",
    ),
    "integration": (
        "Settling in a new country", "Įsikūrimas naujoje šalyje", "Iedzīvošanās jaunā valstī",
        "Kohanemine uues riigis", "Kotoutuminen", "Integration", "Integrering", "Жизнь в новой стране",
    ),
    "family_member": (
        "Family member of a man in crisis", "Krizėje esančio vyro artimasis", "Krīzē esoša vīrieša tuvinieks",
        "Kriisis mehe lähedane", "Kriisissä olevan miehen läheinen", "Anhörig till en man i kris",
        "Pårørende til en mann i krise", "Близкий мужчины в кризисе",
    ),
    "other": ("Something else", "Kita", "Cits", "Muu", "Muu", "Annat", "Annet", "Другое"),
}  # fmt: skip
ACCEPTING: dict[str, Texts] = {
    "open": (
        "Takes people now", "Priima dabar", "Pieņem tagad", "Võtab praegu vastu", "Ottaa nyt vastaan",
        "Tar emot nu", "Tar imot nå", "Принимает сейчас",
    ),
    "waiting": (
        "Has a waiting list", "Yra eilė", "Ir gaidīšanas rinda", "On ootejärjekord", "On jonotuslista",
        "Har kö", "Har venteliste", "Есть очередь",
    ),
    "closed": (
        "Takes nobody now", "Dabar nepriima", "Tagad nepieņem", "Praegu ei võta vastu", "Ei ota nyt vastaan",
        "Tar inte emot nu", "Tar ikke imot nå", "Сейчас не принимает",
    ),
    "unknown": (
        "Not known", "Nežinoma", "Nav zināms", "Teadmata", "Ei tiedossa", "Inte känt", "Ikke kjent", "Неизвестно",
    ),
}  # fmt: skip
CHANNEL: dict[str, Texts] = {
    "in_person": ("In person", "Gyvai", "Klātienē", "Kohapeal", "Paikan päällä", "På plats", "På stedet", "Лично"),
    "phone": ("By phone", "Telefonu", "Pa tālruni", "Telefonis", "Puhelimessa", "Per telefon", "På telefon", "По телефону"),
    "chat": ("Chat", "Pokalbis internete", "Tērzēšana", "Vestlus", "Chat", "Chatt", "Chat", "Чат"),
    "email": ("By e-mail", "El. paštu", "E-pastā", "E-postiga", "Sähköpostilla", "Per e-post", "På e-post", "По почте"),
    "web": ("On the web", "Internete", "Tīmeklī", "Veebis", "Verkossa", "På webben", "På nettet", "В интернете"),
    "online": ("Online", "Nuotoliniu būdu", "Tiešsaistē", "Veebis", "Etänä", "Online", "På nett", "Онлайн"),
    "video": ("By video", "Vaizdo ryšiu", "Video", "Video teel", "Videolla", "Per video", "På video", "По видео"),
}  # fmt: skip
GENDER: dict[str, Texts] = {
    "men": ("Men", "Vyrai", "Vīrieši", "Mehed", "Miehet", "Män", "Menn", "Мужчины"),
    "women": ("Women", "Moterys", "Sievietes", "Naised", "Naiset", "Kvinnor", "Kvinner", "Женщины"),
    "everybody": ("Everybody", "Visi", "Visi", "Kõik", "Kaikki", "Alla", "Alle", "Все"),
}  # fmt: skip
TYPE: dict[str, Texts] = {
    "crisis_centre": ("Crisis centre", "Krizių centras", "Krīžu centrs", "Kriisikeskus", "Kriisikeskus", "Kriscentrum", "Krisesenter", "Кризисный центр"),
    "mens_organisation": ("Men's organisation", "Vyrų organizacija", "Vīriešu organizācija", "Meeste organisatsioon", "Miesjärjestö", "Mansorganisation", "Mannsorganisasjon", "Мужская организация"),
    "helpline": ("Helpline", "Pagalbos linija", "Palīdzības tālrunis", "Tugiliin", "Auttava puhelin", "Hjälplinje", "Hjelpetelefon", "Линия помощи"),
    "police": ("Police", "Policija", "Policija", "Politsei", "Poliisi", "Polis", "Politi", "Полиция"),
    "probation": ("Probation", "Probacija", "Probācija", "Kriminaalhooldus", "Yhdyskuntaseuraamukset", "Frivård", "Friomsorg", "Пробация"),
    "prison": ("Prison", "Kalėjimas", "Cietums", "Vangla", "Vankila", "Fängelse", "Fengsel", "Тюрьма"),
    "prosecutor": ("Prosecutor", "Prokuratūra", "Prokuratūra", "Prokuratuur", "Syyttäjä", "Åklagare", "Påtalemyndighet", "Прокуратура"),
    "court": ("Court", "Teismas", "Tiesa", "Kohus", "Tuomioistuin", "Domstol", "Domstol", "Суд"),
    "child_rights_authority": ("Child rights authority", "Vaiko teisių tarnyba", "Bērnu tiesību iestāde", "Lastekaitse", "Lastensuojelu", "Barnrättsmyndighet", "Barnevern", "Служба прав ребёнка"),
    "municipality": ("Municipality", "Savivaldybė", "Pašvaldība", "Omavalitsus", "Kunta", "Kommun", "Kommune", "Муниципалитет"),
    "social_service_centre": ("Social service centre", "Socialinių paslaugų centras", "Sociālo pakalpojumu centrs", "Sotsiaalkeskus", "Sosiaalipalvelukeskus", "Socialtjänst", "Sosialtjeneste", "Центр социальных услуг"),
    "health_centre": ("Health centre", "Sveikatos centras", "Veselības centrs", "Tervisekeskus", "Terveysasema", "Vårdcentral", "Helsesenter", "Медицинский центр"),
    "school": ("School", "Mokykla", "Skola", "Kool", "Koulu", "Skola", "Skole", "Школа"),
    "ministry": ("Ministry", "Ministerija", "Ministrija", "Ministeerium", "Ministeriö", "Departement", "Departement", "Министерство"),
    "agency": ("Agency", "Agentūra", "Aģentūra", "Amet", "Virasto", "Myndighet", "Etat", "Ведомство"),
    "ngo": ("Non-governmental organisation", "Nevyriausybinė organizacija", "Nevalstiska organizācija", "Vabaühendus", "Kansalaisjärjestö", "Ideell organisation", "Frivillig organisasjon", "НКО"),
    "research_institute": ("Research institute", "Tyrimų institutas", "Pētniecības institūts", "Uurimisinstituut", "Tutkimuslaitos", "Forskningsinstitut", "Forskningsinstitutt", "Исследовательский институт"),
    "network": ("Network", "Tinklas", "Tīkls", "Võrgustik", "Verkosto", "Nätverk", "Nettverk", "Сеть"),
    "patient_society": ("Patient society", "Pacientų draugija", "Pacientu biedrība", "Patsientide ühing", "Potilasyhdistys", "Patientförening", "Pasientforening", "Общество пациентов"),
    "other": ("Other", "Kita", "Cits", "Muu", "Muu", "Annat", "Annet", "Другое"),
}  # fmt: skip
URGENCY: dict[str, Texts] = {
    "crisis": ("Crisis", "Krizė", "Krīze", "Kriis", "Kriisi", "Kris", "Krise", "Кризис"),
    "urgent": ("Urgent", "Skubu", "Steidzami", "Kiire", "Kiireellinen", "Brådskande", "Haster", "Срочно"),
    "standard": ("Standard", "Įprasta", "Parasti", "Tavaline", "Tavallinen", "Normal", "Vanlig", "Обычно"),
    "planned": ("Planned", "Planuota", "Plānoti", "Plaaniline", "Suunniteltu", "Planerad", "Planlagt", "Планово"),
}  # fmt: skip
LISTS: dict[str, dict[str, Texts]] = {
    "kind": KIND,
    "need": NEED,
    "accepting": ACCEPTING,
    "channel": CHANNEL,
    "gender": GENDER,
    "organisation_type": TYPE,
    "urgency": URGENCY,
}

ASKED_KIND: dict[str, tuple[str, ...]] = {
    "peer_group": (
        "men's group", "mens group", "peer group", "support group", "vyrų grupė", "vyrų grupės", "vīriešu grupa",
        "meesterühm", "miesryhmä", "miesryhmät", "mansgrupp", "mannsgruppe", "мужская группа",
    ),
    "behaviour_change": (
        "behaviour change", "behavior change", "violence programme", "anger management", "elgesio keitimo",
        "elgesio keitimas", "uzvedības maiņa", "käitumise muutmine", "väkivallan katkaisu", "beteendeförändring",
        "atferdsendring", "изменение поведения",
    ),
    "father_support": ("fathers", "father support", "tėvams", "tēviem", "isadele", "isille", "pappor", "fedre", "отцам"),
    "immigrant_support": ("immigrants", "immigrant", "maahanmuuttajille", "invandrare", "innvandrere", "мигрантам"),
    "training": ("training", "mokymai", "apmācības", "koolitus", "koulutus", "utbildning", "opplæring", "обучение"),
    "divorce_support": ("divorce", "skyrybos", "šķiršanās", "lahutus", "ero", "skilsmässa", "skilsmisse", "развод"),
    "helpline": (
        "help line", "helpline", "crisis line", "pagalbos linija", "palīdzības tālrunis", "tugiliin",
        "auttava puhelin", "hjälplinje", "hjelpetelefon", "линия помощи", "телефон доверия",
    ),
    "consultation": (
        "consultation", "counselling", "counseling", "konsultacija", "konsultacijos", "konsultācija", "nõustamine",
        "neuvonta", "rådgivning", "консультация",
    ),
}  # fmt: skip
ASKED_OPEN = (
    "accepting", "with places", "has places", "and has places", "free places", "priima", "yra vietų", "pieņem",
    "võtab vastu", "vabu kohti", "ottaa vastaan", "vapaita paikkoja", "tar emot", "lediga platser", "tar imot",
    "ledige plasser", "принимает", "есть места",
)  # fmt: skip
ASKED_NOW = (
    "open now", "right now", "today", "dabar", "šiandien", "tagad", "šodien", "praegu", "täna", "nyt", "tänään",
    "öppet nu", "idag", "åpent nå", "i dag", "сейчас", "сегодня",
)  # fmt: skip
NEAR = (
    "near", "in", "at", "around", "prie", "netoli", "šalia", "pie", "netālu", "juures", "lähedal", "lähellä",
    "nära", "nær", "i", "рядом", "около", "в",
)  # fmt: skip
SMALL_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "for",
        "from",
        "has",
        "have",
        "help",
        "helps",
        "in",
        "is",
        "near",
        "of",
        "on",
        "or",
        "serves",
        "serve",
        "service",
        "services",
        "that",
        "the",
        "there",
        "to",
        "what",
        "where",
        "which",
        "who",
        "whom",
        "with",
        "ar",
        "bei",
        "dėl",
        "į",
        "iš",
        "kas",
        "kur",
        "kuris",
        "padeda",
        "prie",
        "su",
        "tarnauja",
        "vyrams",
        "ir",
        "un",
        "kas",
        "kur",
        "pie",
        "ar",
        "ja",
        "kes",
        "kus",
        "juures",
        "ja",
        "jossa",
        "joka",
        "kuka",
        "lähellä",
        "missä",
        "mitä",
        "och",
        "i",
        "nära",
        "som",
        "vem",
        "var",
        "og",
        "hvem",
        "hvor",
        "nær",
        "и",
        "в",
        "кто",
        "где",
        "для",
        "на",
        "с",
        "рядом",
        "около",
    ]
)
"""Words that only hold a question together."""


def label(kind: str, code: str, language: str = "en") -> str:
    """A code in a language, in English where that language is not there, or as words made of itself."""
    texts = LISTS.get(kind, {}).get(code)
    if texts is None:
        return code.replace("_", " ").capitalize()
    return texts[LANGUAGES.index(language)] if language in LANGUAGES else texts[0]


def labels(kind: str, code: str) -> Iterator[tuple[str, str]]:
    """Language and label, in all languages."""
    texts = LISTS.get(kind, {}).get(code)
    yield from zip(LANGUAGES, texts, strict=True) if texts is not None else (("en", label(kind, code)),)


WHY: dict[str, Texts] = {
    "municipality": ("Works in {place}.", "Veikia čia: {place}.", "Darbojas šeit: {place}.", "Tegutseb siin: {place}.", "Toimii täällä: {place}.", "Verkar här: {place}.", "Virker her: {place}.", "Работает здесь: {place}."),
    "licence": ("The programme is run in {place} under a licence.", "Programa čia vykdoma pagal licenciją: {place}.", "Programma šeit notiek ar licenci: {place}.", "Programm toimub siin litsentsi alusel: {place}.", "Ohjelmaa toteutetaan täällä lisenssillä: {place}.", "Programmet drivs här på licens: {place}.", "Programmet drives her på lisens: {place}.", "Программа проводится здесь по лицензии: {place}."),
    "county": ("Works in the county of {place}.", "Veikia apskrityje, kurioje yra {place}.", "Darbojas novadā ar {place}.", "Tegutseb maakonnas, kus on {place}.", "Toimii maakunnassa, jossa on {place}.", "Verkar i länet med {place}.", "Virker i fylket med {place}.", "Работает в уезде, где находится {place}."),
    "country": ("Works in the whole country.", "Veikia visoje šalyje.", "Darbojas visā valstī.", "Tegutseb kogu riigis.", "Toimii koko maassa.", "Verkar i hela landet.", "Virker i hele landet.", "Работает по всей стране."),
    "remote": ("Can help from a distance.", "Gali padėti nuotoliniu būdu.", "Var palīdzēt attālināti.", "Saab aidata kaugelt.", "Voi auttaa etänä.", "Kan hjälpa på distans.", "Kan hjelpe på avstand.", "Может помочь на расстоянии."),
    "unknown": ("Where it works is not known: ask.", "Kur veikia, nežinoma: pasiteiraukite.", "Nav zināms, kur darbojas: jautājiet.", "Kus tegutseb, pole teada: küsige.", "Toiminta-aluetta ei tiedetä: kysy.", "Var den verkar är inte känt: fråga.", "Hvor den virker er ikke kjent: spør.", "Где работает, неизвестно: спросите."),
    "words": ("The words are in its entry.", "Šie žodžiai yra įraše.", "Šie vārdi ir ierakstā.", "Need sõnad on kirjes.", "Sanat ovat tiedoissa.", "Orden finns i uppgifterna.", "Ordene står i oppføringen.", "Эти слова есть в записи."),
    "kind": ("It is what was asked for: {what}.", "Tai, ko ieškota: {what}.", "Tas, ko meklējāt: {what}.", "See, mida otsiti: {what}.", "Se mitä haettiin: {what}.", "Det som söktes: {what}.", "Det som ble søkt: {what}.", "То, что искали: {what}."),
    "need": ("Helps with: {what}.", "Padeda: {what}.", "Palīdz: {what}.", "Aitab: {what}.", "Auttaa: {what}.", "Hjälper med: {what}.", "Hjelper med: {what}.", "Помогает: {what}."),
    "language": ("In {what}.", "Kalba: {what}.", "Valoda: {what}.", "Keel: {what}.", "Kieli: {what}.", "Språk: {what}.", "Språk: {what}.", "Язык: {what}."),
    "language_unknown": ("Its languages are not known: ask.", "Kalbos nežinomos: pasiteiraukite.", "Valodas nav zināmas: jautājiet.", "Keeled pole teada: küsige.", "Kieliä ei tiedetä: kysy.", "Språken är inte kända: fråga.", "Språkene er ikke kjent: spør.", "Языки неизвестны: спросите."),
    "accepting": ("{what}.", "{what}.", "{what}.", "{what}.", "{what}.", "{what}.", "{what}.", "{what}."),
    "groups_accepting": ("A group of it takes sign-ups: {number}.", "Jo grupės priima: {number}.", "Grupas, kas pieņem: {number}.", "Rühmi, kuhu saab tulla: {number}.", "Ryhmiä, joihin voi ilmoittautua: {number}.", "Grupper som tar emot: {number}.", "Grupper som tar imot: {number}.", "Групп, куда можно записаться: {number}."),
    "group_here": ("One of them is in {place}.", "Viena jų čia: {place}.", "Viena no tām šeit: {place}.", "Üks neist on siin: {place}.", "Yksi niistä täällä: {place}.", "En av dem här: {place}.", "En av dem her: {place}.", "Одна из них здесь: {place}."),
    "open_now": ("Open now, until {time}.", "Dirba dabar, iki {time}.", "Atvērts tagad, līdz {time}.", "Praegu avatud, kuni {time}.", "Auki nyt, {time} asti.", "Öppet nu, till {time}.", "Åpent nå, til {time}.", "Открыто сейчас, до {time}."),
    "opens": ("Opens {time}.", "Atsidarys {time}.", "Atvērsies {time}.", "Avaneb {time}.", "Aukeaa {time}.", "Öppnar {time}.", "Åpner {time}.", "Откроется {time}."),
    "urgency": ("Covers: {what}.", "Priima: {what}.", "Pieņem: {what}.", "Katab: {what}.", "Kattaa: {what}.", "Täcker: {what}.", "Dekker: {what}.", "Принимает: {what}."),
    "near": ("{number} km away.", "Už {number} km.", "{number} km attālumā.", "{number} km kaugusel.", "{number} km päässä.", "{number} km bort.", "{number} km unna.", "В {number} км."),
    "stale": ("Nobody has confirmed this entry for a year: ring first.", "Įrašas metus nepatvirtintas: pirma paskambinkite.", "Ieraksts gadu nav apstiprināts: vispirms zvaniet.", "Kirjet pole aasta jooksul kinnitatud: helistage enne.", "Tietoja ei ole vahvistettu vuoteen: soita ensin.", "Uppgifterna har inte bekräftats på ett år: ring först.", "Ikke bekreftet på et år: ring først.", "Запись не подтверждали год: сначала позвоните."),
}  # fmt: skip
"""Why a service is among what was found; each sentence stands alone (directory.md section 2)."""


def why(code: str, language: str, **values: object) -> str:
    """The sentence of a reason."""
    texts = WHY[code]
    return (texts[LANGUAGES.index(language)] if language in LANGUAGES else texts[0]).format(**values)
