"""Single words to measure ``wsfast.diagnose`` on short values by.

Names of languages, months and days (tuning) and of countries (held out) from the Unicode Common
Locale Data Repository, as Babel 2.19 has it; the Unicode License v3 allows their use.
"Taiwanese" stands for Chinese in traditional characters.

Invariant: no word of a language is in both sets.
"""

# ruff: noqa: RUF001 # the letters of many languages look alike
from __future__ import annotations

Words = dict[str, tuple[str, ...]]


def _words(table: str) -> Words:
    """Return the words of each language from lines that each begin with its name."""
    words: Words = {}
    for line in table.strip().splitlines():
        language, _, rest = line.partition(": ")
        words[language] = (*words.get(language, ()), *rest.split())
    return words


TUNING = _words("""
German: Süd Französisch März Türkisch Hebräisch Gälisch Niederländisch Färöisch
German: Rätoromanisch Guaraní Thailändisch Isländisch Dänisch Bokmål Volapük Rumänisch
German: Grönländisch Māori
French: écossais indonésien volapük août ossète éwé télougou ouïghour néerlandais créole
French: espéranto gaélique arménien ndébélé bokmål tchétchène féroïen hébreu héréro
French: suédois thaï azerbaïdjanais slovène népalais coréen décembre français février
French: tibétain macédonien haïtien norvégien tchèque turkmène géorgien biélorusse
Spanish: guaraní aragonés francés wólof frisón galés bretón limburgués javanés latín zulú
Spanish: feroés pastún córnico afrikáans danés letón groenlandés bengalí volapük punyabí
Spanish: manés valón albanés irlandés ewé canarés japonés escocés tártaro español Sichuán
Spanish: marshalés tigriña finés avéstico búlgaro guyaratí cingalés amárico catalán
Spanish: sábado miércoles árabe inglés asamés sánscrito nepalí somalí gaélico kirguís
Spanish: portugués tailandés osético húngaro alemán neerlandés maorí maltés luxemburgués
Portuguese: macedônio aimará irlandês télugo occitânico sábado norueguês iorubá nepalês
Portuguese: japonês sânscrito oriá birmanês suázi armênio escocês terça eclesiástico tártaro
Portuguese: amárico bretão português dinamarquês maltês galês canúri alemão interlíngua
Portuguese: francês iídiche gaélico indonésio frísio córnico tigrínia marshalês feroês
Portuguese: holandês letão tâmil inglês bósnio groenlandês sérvio polonês tonganês páli
Portuguese: bokmål bislamá finlandês tailandês luxemburguês hauçá aragonês islandês
Portuguese: limburguês valão abcázio africâner assamês
Swedish: rätoromanska guaraní thailändska söndag volapük isländska grönländska måndag
Swedish: rumänska lördag bokmål nederländska färöiska västfrisiska
Polish: piątek fidżijski słowacki samoański wrzesień macedoński fiński hiszpański
Polish: oksytański włoski ukraiński koreański japoński odżibwa turkmeński laotański
Polish: październik łotewski syczuański węgierski estoński retoromański pendżabski
Polish: tahitański sierpień bośniacki chiński aragoński bretoński południowy
Polish: poniedziałek kataloński korsykański środa łaciński nauruański gudżarati
Polish: tybetański duński njandża azerbejdżański styczeń grudzień północny haitański
Polish: tadżycki ormiański kwiecień sardyński bokmål białoruski czeczeński maltański
Polish: gruziński słoweński rumuński birmański albański bułgarski waloński
Czech: bretonština bosenština okcitánština litevština korsičtina maďarština řečtina
Czech: ukrajinština nizozemština lotyština neděle amharština běloruština polština
Czech: sindhština oromština gandština faerština turečtina hauština uzbečtina fulbština
Czech: němčina kikujština říjen norština naurština jorubština valonština kornština
Czech: kyrgyzština kašmírština dánština paňdžábština laoština akanština avestánština
Czech: tigrinijština mongolština kiňarwandština kirundština maráthština makedonština
Czech: španělština urijština sundština švédština čamoro komijština manština severní
Czech: limburština ndondština iština albánština rumunština maledivština islandština
Czech: červenec navažština
Hungarian: vasárnap szomáli katalán aragonéz szundanéz örmény skóciai feröeri igbó
Hungarian: eszperantó grönlandi vietnámi szeszotó számi gudzsaráti észt görög kasmíri krí
Hungarian: dán malajálam német oszét horvát szardíniai június japán rétoromán üzbég október
Hungarian: szuahéli azerbajdzsáni bokmål grúz indonéz március ukrán maláj máltai török
Hungarian: türkmén északi albán déli szangó szlovák bosnyák litván asszámi maráthi szláv
Hungarian: péntek szecsuán csütörtök szlovén jávai szingaléz baskír fríz román
Turkish: Keşmir Yidiş Norveççe Batı Şubat Şona Güceratça Slavcası Felemenkçe Arnavutça
Turkish: Bokmål Malgaşça Lehçe Tacikçe İnterlingua Romanşça İbo Keçuva Aralık İsveççe
Turkish: Çeçence Volapük Perşembe Başkırtça İnyupikçe Eylül Ağustos Moğolca Türkçe
Turkish: Grönland Sırpça Çekçe Kazakça İzlandaca İskoç Türkmence Kırgızca Mayıs Laponcası
Turkish: Volofça Tibetçe Avestçe Güney Pencapça Boşnakça Çince Rusça Kernevekçe Gürcüce
Turkish: İrlandaca Çamorro Peştuca Slovakça Osetçe İnuktitut Galiçyaca Özbekçe Çuvaşça
Turkish: İspanyolca Hintçe
Russian: суахили армянский гаитянский идо украинский сото чаморро хиримоту гуарани
Russian: осетинский японский каталанский пятница ирландский пали малаялам лаосский
Russian: люксембургский боснийский тсонга африкаанс февраль арагонский понедельник
Russian: мальдивский телугу коми пушту эсперанто амхарский сунданский рунди йоруба
Russian: итальянский чжуань индонезийский тибетский аварский идиш малагасийский волапюк
Russian: английский авестийский фарерский фиджи навахо тагалог четверг гереро кечуа
Russian: шведский латинский август сардинский урду кри македонский кунама катанга март
Ukrainian: амхарська фіджі суахілі моту біслама грецька крі німецька четвер білоруська
Ukrainian: телугу хорватська хауса конґолезька кікуйю гаїтянська тагальська російська
Ukrainian: норвезька сичуаньська катанга каталонська індонезійська гуджараті тибетська
Ukrainian: іспанська китайська французька естонська перська лютий киргизька шона бретонська
Ukrainian: лаоська оджібва польська нідерландська грудень тсвана італійська оромо кхмерська
Ukrainian: канурі тамільська травень ігбо волапюк арабська тигринья корейська бенгальська
Ukrainian: нюношк ньянджа малайська серпень венда узбецька інупіак ї
Greek: Παντζαπικά Φίτζι Εβραϊκά Εσθονικά Σουάτι Περσικά Εσπεράντο Κορεατικά
Greek: Γκουτζαρατικά Κινιαρουάντα Ιντερλίνγκουε Αραγονικά Παρασκευή Μπασκίρ Ουζμπεκικά
Greek: Γαλλικά Καζακικά Αφάρ Οξιτανικά Ιαπωνικά Τουρκικά Τελούγκου Χερέρο Τρίτη Νάβαχο
Greek: Γίντις Καλαάλισουτ Μάρτιος Κυριακή Μάιος Ορόμο Ινούκτιτουτ Σλαβικά Μαλαισιανά
Greek: Αβαρικά Μαραθικά Βοσνιακά Νινόρσκ Κασμιρικά Ινδονησιακά Ρωσικά Λατινικά Δευτέρα
Greek: Κινεζικά Μογγολικά Πέμπτη Ντιβέχι Κικούγιου Ασαμικά Κανάντα Πάστο Τσεχικά
Greek: Τονγκανικά Εκκλησιαστικά Κρι Τουρκμενικά Μαρσαλέζικα Τσόνγκα Σερβικά Ταϊτιανά
Hebrew: סותו אינופיאק סרדינית צפונית חדשה נובמבר גוג׳ארטי סלאבית איטלקית ברטונית פברואר
Hebrew: מוטו אוקסיטנית מלטית טמילית ביסלמה מליאלאם הירי בוסנית נדונגה שוודית יוני הררו
Hebrew: זואנג לובה אנגלית חמישי טלוגו גליציאנית סונדנזית אוגוסט שלישי פורטוגזית דנית
Hebrew: אינטרלינגה לוקסמבורגית אוזבקית אורדו טיבטית ‏וולאפיק יורובה ולונית ‏אינטרלינגואה
Hebrew: אבחזית סמואית אוקטובר לימבורגית טורקמנית מראטהית שבת קצ׳ואה קואניאמה מרשלית
Hebrew: סינהלה סנגו סצ׳ואן יום סינדהית אפארית כורדית
Arabic: العبرية الأربعاء النيبالية البنغالية الندونجا الكورسيكية الكانوري الأوكسيتانية
Arabic: الباسكية الإيجبو المنكية أغسطس نينورسك الفيجية الماليزية الماورية مايو يونيو
Arabic: الجورجية المقدونية السواتي السبت النديبيل سلافية الكرى الفولابوك الأوسيتيك
Arabic: التبتية الإينكتيتت يوليو الهولندية الساموائية الكيكيو الأفستية الرندي الغيلية
Arabic: ديسمبر الكرواتية البنجابية البولندية البوسنية دزونكا الأوردية السوندانية
Arabic: البيسلامية الخميرية اللاتفية الرومانية التشوفاشي الرومانشية الإنجليزية سبتمبر
Arabic: الألبانية السندية الكورنية الإسبرانتو الأوزبكية اللاوية الشمالية البرتغالية
Thai: เวียดนาม โปแลนด์ ธิเวหิ ไอย์มารา ลิทัวเนีย นาวาโฮ เช็ก มิถุนายน กวนยามา สวาติ
Thai: แคชเมียร์ ลิงกาลา สวานา คุชราต อะฟาร์ กุมภาพันธ์ กีกูยู ตาตาร์ คาตาลัน ซูลู
Thai: บัมบารา อเวสตะ เขมร วันจันทร์ มานซ์ ฟูลาห์ คะห์โอซา อาวาร์ คอร์นิช วันเสาร์
Thai: โอโรโม มาลากาซี อ็อกซิตัน นอร์เวย์ ซองกา ตองกา ซันโก เปอร์เซีย วอลลูน กัวรานี
Thai: กรีก ฮิบรู เฮาซา ยูกันดา ฮีรีโมตู ชวา อาหรับ อินุกติตุต โครเอเชีย จอร์เจีย
Thai: คอร์ซิกา ติกริญญา กันนาดา จ้วง อารากอน ฝรั่งเศส สินธิ คองโก อาคาน บัลแกเรีย
Japanese: ゾンカ語 スコットランド クロアチア語 バスク語 トルクメン語 ラオ語
Japanese: 教会スラブ語 サモア語 チャモロ語 コミ語 フラ語 ヘブライ語 スロバキア語
Japanese: オック語 ノルウェー語 スロベニア語 ズールー語 アムハラ語 マオリ語 クルド語
Japanese: タガログ語 ドイツ語 サンスクリット語 アイルランド語 フランス語 モンゴル語
Japanese: クワニャマ語 ルクセンブルク語 タミル語 サンゴ語 キニアルワンダ語
Japanese: グリーンランド語 パンジャブ語 マダガスカル語 チワン語 カンナダ語 オセット語
Japanese: 南ンデベレ語 キクユ語 バンバラ語 木曜日 アヴァル語 イタリア語 ロマンシュ語
Japanese: ヘレロ語 マルタ語 西フリジア語 オジブウェー語 ルバ ガンダ語 タヒチ語
Japanese: マーシャル語 火曜日 デンマーク語 シンド語 マラヤーラム語 月曜日 ナバホ語
Japanese: オディア語 ニャンジャ語
Chinese: 阿姆哈拉语 越南语 威尔士语 萨丁语 普什图语 爱沙尼亚语 意大利语 宗卡语
Chinese: 挪威语 南恩德贝勒语 希伯来语 罗曼什语 约鲁巴语 克什米尔语 印地语 巴斯克语
Chinese: 因纽特语 高棉语 康沃尔语 波斯尼亚语 僧伽罗语 库尔德语 塞尔维亚语 迪维希语
Chinese: 祖鲁语 西弗里西亚语 法罗语 十月 匈牙利语 桑戈语 拉脱维亚语 格鲁吉亚语
Chinese: 加利西亚语 马拉地语 奥罗莫语 缅甸语 阿肯语 塔希提语 克里语 马其顿语
Chinese: 刚果语 白俄罗斯语 尼泊尔语 瑞典语 萨摩亚语 沃洛夫语 日语 汤加语 十一月
Chinese: 凉山彝语 聪加语 五月 乌尔都语 十二月 挪威尼诺斯克语 乌克兰语 国际语 梵语
Chinese: 阿维斯塔语 阿塞拜疆语
Taiwanese: 葡萄牙文 藏文 廣亞馬文 信德文 塞爾維亞克羅埃西亞文 盧森堡文 意第緒文
Taiwanese: 維吾爾文 喀什米爾文 僧伽羅文 艾馬拉文 格陵蘭文 布列塔尼文 阿坎文 赫雷羅文
Taiwanese: 新挪威文 烏都文 斯瓦特文 烏茲別克文 干達文 庫德文 高棉文 拉丁文 埃維文
Taiwanese: 奧克西坦文 哈薩克文 星期日 阿瓦爾文 巴斯克文 西里莫圖土文 克羅埃西亞文
Taiwanese: 豪薩文 法文 星期一 北地畢列文 科米文 芬蘭文 巴利文 東加文 印尼文 曼島文
Taiwanese: 伊布文 馬爾他文 波蘭文 德文 波士尼亞文 愛爾蘭文 塞爾維亞文 蘇格蘭蓋爾文
Taiwanese: 班巴拉文 阿薩姆文 斯洛伐克文 阿拉伯文 剛果文 梵文 普什圖文 俄文 世界文
Taiwanese: 奧羅莫文 羅馬尼亞文
Korean: 튀르키예어 인도네시아어 압카즈어 이누피아크어 페르시아어 로만시어
Korean: 세르비아어 불가리아어 한국어 크리어 아칸어 키르기스어 케추아어 오크어
Korean: 츠와나어 브르타뉴어 나우루어 인터링구아 모투어 카자흐어 룩셈부르크어 히리
Korean: 냔자어 싱할라어 일요일 차모로어 토요일 웨일스어 카탈로니아어 게일어
Korean: 스와힐리어 세르비아 아라곤어 신디어 소말리아어 크로아티아어 코미어
Korean: 이탈리아어 티베트어 우르두어 노르웨이어 폴란드어 아삼어 타지크어 오리야어
Korean: 이도어 스웨덴어 시스와티어 마셜어 이어 소토어 아이마라어 프리지아어
Korean: 아바릭어 타밀어 일본어 볼라퓌크어 디베히어 이눅티투트어 남부
""")

HELD_OUT = _words("""
German: Überseeinseln Ålandinseln Barthélemy Nördliches Österreich Französische
German: Nördliche Südkorea Réunion São Südlichen Südasien Grönland Côte Rumänien
German: Königreich Europäische Südafrika Südgeorgien Ägypten Südostasien Príncipe
German: Südliches Südsudan Curaçao Südamerika Türkei Südeuropa Äußeres Äthiopien Färöer
German: Dänemark Tomé
French: Ouzbékistan Bénin Barthélemy Guinée Tomé micronésienne Herzégovine Viêt Cité
French: Égypte Algérie Géorgie Mélanésie État Curaçao Niévès Amériques Jamaïque
French: européenne Micronésie Équateur Népal région Émirats Thaïlande Îles Israël
French: Azerbaïdjan Polynésie Côte Caïmans américaines caribéens Bahreïn Turkménistan
French: française Indonésie Corée États Zélande Caïques régions Monténégro Biélorussie
French: Pérou Calédonie Trinité Macédoine Amérique Haïti Slovénie Hélène Taïwan Féroé
French: Koweït Yémen équatoriale Océanie Réunion Grèce
Spanish: Etiopía Príncipe Ascensión Cristóbal Baréin Azerbaiyán Benín Brunéi Martín Haití
Spanish: Vírgenes Índico Líbano Oceanía Pakistán Océano Miquelón Turkmenistán Rumanía
Spanish: Acuña Reunión Centroamérica África Tomé Taiwán Bangladés Papúa Irán Unión
Spanish: Bartolomé Árabes España Saudí Hungría Níger Omán Caimán Japón Camerún República
Spanish: Afganistán Sáhara Kazajistán Tristán Salomón Región Gabón Bélgica Británico
Spanish: Países Mónaco Tayikistán Norteamérica Côte Kirguistán Sudán Sudamérica Lucía
Spanish: Bután Perú
Portuguese: Faroé Zimbábue Polinésia Quênia México Guiné Melanésia Lúcia Afeganistão Áustria
Portuguese: Tunísia Paquistão Nações Itália Irã Islândia Somália Essuatíni Asiático Ucrânia
Portuguese: Grécia Etiópia Groenlândia União Malásia Zelândia Príncipe Região Países
Portuguese: Azerbaijão Tadjiquistão Vietnã Jordânia Australásia América Nicarágua Bolívia
Portuguese: Salomão Argélia Bielorrússia Armênia Antártida Nigéria Névis França Suécia São
Portuguese: Camarões Polônia Gâmbia Suíça Cristóvão Território Tailândia Albânia Caledônia
Portuguese: Níger Índia Tanzânia Bósnia
Swedish: södra Tomé Färöarna världen Cooköarna Salomonöarna Caicosöarna Västafrika
Swedish: Moçambique Clippertonön Östasien Nederländerna euroområdet för öar okänd
Swedish: Östeuropa Julön öarna Jungfruöarna Príncipe Curaçao Västsahara Östtimor
Swedish: Pitcairnöarna Réunion Tokelauöarna Bouvetön Futunaöarna Barthélemy Rumänien
Swedish: Norfolkön Kokosöarna Österrike Västasien São Marshallöarna Heardön Västeuropa
Swedish: Östafrika Åland McDonaldöarna Grönland Förenta Caymanöarna Kanarieöarna Förenade
Swedish: Falklandsöarna
Polish: Kambodża Południowe Świętej Bułgaria Barthélemy Czarnogóra Curaçao Narodów
Polish: Świętego Białoruś świat Fidżi Tadżykistan Dżibuti Południowy Amerykańskie
Polish: Południowa Słowacja Równikowa Słowenia Książęca Stanów Palestyńskie Przylądka
Polish: Azerbejdżan Węgry Łacińska — Północna Środkowa Bośnia Włochy Południowo Północne
Polish: Côte Łotwa Bożego Mołdawia Południowej
Czech: Svatá Palestinská Západní svět Albánie Tádžikistán Faerské Súdán Sýrie Ekvádor
Czech: království Brazílie Americká Džibutsko Réunion Čad Bhútán spojených Svatý vnější
Czech: Česko Ålandy Mikronésie Kambodža Kyrgyzstán Kajmanské Bouvetův Irák Dominikánská
Czech: východní Střední Španělsko Řecko emiráty Turkmenistán Saúdská zápis Šalamounovy
Czech: Dánsko arabské Jordánsko Středoafrická Bangladéš Pákistán střední Zéland Arménie
Czech: Grónsko Kazachstán Kryštof Východní Německo eurozóna subsaharská Nová Princův
Czech: Britské Arábie Vatikán Bělorusko
Hungarian: Mikronéziai Réunion része Mexikó óceáni Polinézia Szaúd kétirányú Közép Szudán
Hungarian: Tádzsikisztán Tunézia Írország Olaszország Egyenlítői Északi Tanzánia Mikronézia
Hungarian: Málta Kína Algéria Madagaszkár Köztársaság Szlovénia Barthélemy Namíbia Makaó
Hungarian: Kanári Pápua Szlovákia Kirgizisztán Thaiföld Lettország Pakisztán Horvátország
Hungarian: Görögország Dánia Unió Dél Törökország Csád Åland Észtország Mauritánia Marokkó
Hungarian: Csehország Bolívia Feröer Karácsony Melanézia Európai Spanyolország Szomália
Hungarian: Tomé Irán Portugália Mongólia Ausztrálázsia Lengyelország Eurózóna
Turkish: Norveç Güneydoğu Dünya Curaçao Küba Ürdün Şili Bölgesi Fransız Toprakları
Turkish: Özbekistan Côte Kamboçya Karadağ Birleşmiş Türkmenistan Altı Cebelitarık
Turkish: Guyanası Sırbistan Çin Doğu Adası Lübnan Psödo Türkiye Kinşasa İsveç Åland
Turkish: Seyşeller Küçük Hollandası Birleşik Mısır Kırgızistan Çad Güneyi İrlanda İran
Turkish: Kıbrıs İsrail Polinezyası İsviçre İzlanda İtalya Samoası Bölge Lüksemburg
Turkish: Bangladeş Birliği Bölgeleri Çekya Krallık Gürcistan İspanya Moğolistan
Turkish: Hırvatistan Belçika ÖİB
Russian: Кабо Южный Зеландия Кайкос Кения Израиль Южно Сербия Восточный Сандвичевы Сомали
Russian: Сальвадор Сарк Мексика Океания Каледония Ниуэ Тобаго Науру Херд Куба Гвинея
Russian: Лесото США Маршалловы Польша Тувалу Никарагуа Гренада Суринам Клиппертон Палау
Russian: Аравия Буркина Украина Судан Вьетнам Люксембург Либерия Аруба Нидерланды
Russian: Доминиканская Антигуа Европейский Принсипи Майен Австрия Сирия Микронезии Самоа
Russian: Малайзия Центральная Лаос Микронезия Мальта Сан Португалия Дания Бурунди
Russian: Исландия
Ukrainian: Віргінські Кірибаті Бартелемі Зеландія Багамські Північна Індія Сен Туніс
Ukrainian: Карибські Південно Колумбія Маршаллові Сент Камерун Таїланд Південні США
Ukrainian: Кліппертон і Британія Джибуті Габон Шпіцберген Браззавіль Світ Бермудські Гарсія
Ukrainian: Британські Тувалу Словенія да Мікелон Гвіана Гвінея Святої Еритрея Чад Гаїті Кот
Ukrainian: Палау Науру регіон Мальдіви Кабо Кука Гренландія Молдова Ефіопія Китаю Латвія
Ukrainian: Австралазія Намібія Самоа Сандвічеві Гондурас Каледонія Ангілья Таджикистан
Ukrainian: Данія
Greek: Μαλδίβες Δυτική Φάσο Έθνη Θέουτα Γεωργία Μακάο Αργεντινή Τόγκο Λουκία
Greek: Αμερικανική Βιετνάμ Τουβαλού Ιρλανδία Ρίκο Φερόες Τοκελάου Γκέρνζι Καληδονία
Greek: Αφρική Ιράν Παρθένες Κιριμπάτι Λευκορωσία Μαν Περού Μικελόν Βέλγιο Βρετανικά
Greek: Νησίδες Λέστε Σβάλμπαρντ Πίτκερν Τζαμάικα Αλγερία Μαγιέν Μελίγια Ευρωπαϊκή
Greek: Μαλαισία Μέση Βολιβία Γαλλικό Ισλανδία Κινσάσα προφορές Συρία Ζάμπια Πρίνσιπε
Greek: Όλαντ Κόστα Παπούα Κάικος Ρουμανία ΕΔΠ Κίνας Κιτς Νιούε Σρι Νότιο Ομάν
Hebrew: ומלייה עיראק פרו פארו טרינידד ונצואלה תוניסיה לאון ידוע דייגו קוראסאו פורטוגל
Hebrew: פקיסטן סרי צפון ניגריה האיחוד המלדיביים רומניה בוטסואנה איטליה לאוס של אסנשן
Hebrew: בלגיה טריטוריות המשוונית מרינו מדגסקר ג׳יבוטי מונטנגרו מנהלי נורפוק אסיה מרטן
Hebrew: מיוחד לא פלאו פולינזיה באוקיינוס פרגוואי דרום השנהב לנקה והגרנדינים לוסיה איסלנד
Hebrew: לסוטו ווליס עומאן מזרח אפגניסטן ברבדוס מרשל סיירה טורקמניסטן טריסטן קמרון חוף
Hebrew: המערבית
Arabic: الجزر كوستاريكا إيطاليا سفالبارد سورينام بربادوس الإكوادور كونغ بيلاروس تايلاند
Arabic: كيتس مولدوفا كينيا ساو وبرينسيبي هايتي برازافيل بوتسوانا الغربية غينيا بيرو
Arabic: مالطا لوكسمبورغ قطر كيريباتي الأرجنتين منطقة لبنان غوام موناكو رواندا نيبال
Arabic: نيجيريا سيشل غامبيا المحيط الإقليم توكيلاو اليورو الاتجاه السويد المكسيك تركيا
Arabic: خاصة البرتغال جمهورية أورغواي البوسنة دا غيرنزي كايمان توغو أيرلندا زامبيا
Arabic: إسرائيل بابوا النرويج الكويت بنين كينشاسا
Thai: ละตินอเมริกา ซาอุดีอาระเบีย คิริบาส เรอูนียง เอสวาตีนี เกรเนดา ยุโรปใต้ ติมอร์
Thai: โลก โอมาน ไนเจอร์ เกาะคริสต์มาส มอนต์เซอร์รัต ปาเลา สวิตเซอร์แลนด์
Thai: เซวตาและเมลียา สำเนียงไม่จริง บราซิล อุซเบกิสถาน เยเมน โอเชียเนีย อินเดีย
Thai: โมร็อกโก ไลบีเรีย อุรุกวัย เม็กซิโก กินชาซา แองโกลา เลบานอน มาลาวี ยุโรปตะวันตก
Thai: คูเวต บิสเซา อเมริกาเหนือ โกตดิวัวร์ ปารากวัย บาห์เรน โบลิเวีย กรีซ กาตาร์
Thai: บอตสวานา แอฟริกากลาง บูร์กินาฟาโซ บังกลาเทศ ภูฏาน นครวาติกัน กาบอง แอฟริกาใต้
Thai: สิงคโปร์ เลโซโท ซินต์มาร์เทน ลิกเตนสไตน์ ซูดานใต้ มอริเตเนีย เมียนมา เกาหลีเหนือ
Thai: เคนยา มอลโดวา เมลานีเซีย โปลินีเซีย
Japanese: アラブ首長国連邦 デンマーク ウクライナ ポルトガル コソボ カリブ ガンビア
Japanese: エストニア フェロー諸島 キリバス スリランカ ラテンアメリカ アメリカ合衆国
Japanese: ヤンマイエン島 ジブチ カザフスタン エリトリア ガーナ マーシャル諸島
Japanese: オランダ サーク島 仏領極南諸島 インド セネガル イギリス 西ヨーロッパ
Japanese: バーレーン ケニア マヨット インドネシア 赤道ギニア オーストリア
Japanese: モーリシャス 日本 アフガニスタン ルワンダ ベネズエラ キンシャサ 欧州連合
Japanese: ホンジュラス バルバドス ガボン エクアドル ジャージー トリスタン ヨルダン
Japanese: 東ティモール マールテン ジブラルタル クウェート トバゴ 西アフリカ
Japanese: カーボベルデ 世界 ペルー イラン パラオ レユニオン 西サハラ アジア
Chinese: 约旦 东亚 法属圭亚那 欧盟 东非 开曼群岛 法国 联合国 赤道几内亚 伊朗
Chinese: 欧洲 德国 圣皮埃尔和密克隆群岛 牙买加 密克罗尼西亚 皮特凯恩群岛 秘鲁
Chinese: 爱沙尼亚 英国 美洲北部 莫桑比克 亚洲 毛里塔尼亚 索马里 圭亚那 加纳
Chinese: 拉丁美洲 古巴 列支敦士登 西亚 阿拉伯联合酋长国 摩纳哥 塔吉克斯坦 卢森堡
Chinese: 南美洲 哈萨克斯坦 菲律宾 摩洛哥 喀麦隆 福克兰群岛 巴拉圭 帕劳
Chinese: 中国香港特别行政区 大洋洲 马来西亚 新加坡 阿森松岛 巴拿马 意大利 缅甸
Chinese: 特克斯和凯科斯群岛 科索沃 马耳他 密克罗尼西亚地区 阿尔巴尼亚 巴基斯坦
Chinese: 留尼汪 印度尼西亚 东帝汶 英属维尔京群岛
Taiwanese: 庫克群島 阿爾及利亞 關島 奧地利 貝里斯 撒哈拉撒沙漠以南非洲 厄瓜多
Taiwanese: 烏茲別克 非洲南部 法屬南部屬地 格瑞那達 東非 東帝汶 阿富汗 聖多美普林西比
Taiwanese: 納米比亞 美屬維京群島 幾內亞比索 南韓 埃及 加那利群島 北美洲 多米尼克
Taiwanese: 比利時 越南 南蘇丹 澳洲與紐西蘭 非洲 阿拉伯聯合大公國 不丹 菲律賓
Taiwanese: 英屬印度洋領地 尼加拉瓜 赫德島及麥唐納群島 伊朗 萬那杜 千里達及托巴哥
Taiwanese: 哥倫比亞 盧安達 中國香港特別行政區 歐盟 瑞士 哈薩克 南非 馬利 偽比迪
Taiwanese: 利比亞 馬爾地夫 美拉尼西亞 南極洲 印度 西班牙 阿森松島 科威特 德國
Taiwanese: 塞席爾 東南亞 衣索比亞 亞塞拜然 巴林
Korean: 바티칸 인도양 바레인 라이베리아 라트비아 칠레 케냐 튀르키예 시리아
Korean: 에스토니아 파키스탄 프랑스령 아이슬란드 쿠바 우루과이 이란 남아프리카
Korean: 올란드 서유럽 연합 네비스 크리스마스섬 솔로몬 클리퍼턴섬 말레이시아
Korean: 생마르탱 아프가니스탄 예멘 맨섬 제도 캄보디아 리히텐슈타인 페루 토켈라우
Korean: 아시아 튀니지 동남아시아 모잠비크 허드 대만 상투메 수리남 공화국
Korean: 과들루프 기아나 크로아티아 라틴 동유럽 아제르바이잔 나이지리아 괌
Korean: 불가리아 터크스 아르메니아 스리랑카 오스트레일리아 푸투나 감비아
Korean: 푸에르토리코 남아메리카
""")
