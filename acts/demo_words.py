"""The words of the demonstration book: invented names, places, industries and phrases in Chinese and English."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A city with what an address in it needs."""

    city: str
    province: str
    country: str
    region: str
    chinese: str
    """The city in Chinese; empty where clients have English names."""
    dialling: str
    streets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Industry:
    """A branch of industry with its usual figures."""

    name: str
    sector: str
    chinese: str
    english: str
    products: tuple[str, ...]
    supplies: tuple[str, ...]
    turnover_per_head: float
    """Units: CNY a year."""
    margin: float
    asset_turnover: float


@dataclass(frozen=True, slots=True)
class Team:
    """A team of managers: its short name, branch, territory and dialling code."""

    name: str
    branch: str
    region: str
    dialling: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Chinese and Latin spelling, pair by pair."""
    return tuple((chinese, latin) for chinese, latin in (each.split("=") for each in _words(text)))


def _industry(row: str) -> Industry:
    name, sector, chinese, english, products, supplies, per_head, margin, turnover = row.split("|")
    amounts = float(per_head) * 1_000, float(margin), float(turnover)
    return Industry(name, sector, chinese, english, _words(products), _words(supplies), *amounts)


_EAST, _NORTH, _SOUTH, _WEST = "East China", "North China", "South China", "West China"
_EUROPE, _PACIFIC = "Europe", "Asia Pacific"

TEAMS = (
    Team("SH-1", "Shanghai Lujiazui", _EAST, "+86 21 5550"),
    Team("BJ-1", "Beijing Chaoyang", _NORTH, "+86 10 5550"),
    Team("GZ-1", "Guangzhou Tianhe", _SOUTH, "+86 20 5550"),
    Team("LD-1", "London City", _EUROPE, "+44 20 7946"),
    Team("CD-1", "Chengdu Jinjiang", _WEST, "+86 28 5550"),
    Team("SG-1", "Singapore Marina", _PACIFIC, "+65 6555"),
)

_CHINESE_STREETS = ("人民路", "中山路", "解放大道", "建设路", "科技园路", "滨江大道")
_ENGLISH_STREETS = _words("Mill Lane, Station Road, Harbour Street, Foundry Row, Kingsway, Orchard Close")

CHINESE_PLACES = (
    Place("Shanghai", "Shanghai", "China", _EAST, "上海", "+86 21 5550", _CHINESE_STREETS),
    Place("Suzhou", "Jiangsu", "China", _EAST, "苏州", "+86 512 5550", _CHINESE_STREETS),
    Place("Hangzhou", "Zhejiang", "China", _EAST, "杭州", "+86 571 5550", _CHINESE_STREETS),
    Place("Nanjing", "Jiangsu", "China", _EAST, "南京", "+86 25 5550", _CHINESE_STREETS),
    Place("Beijing", "Beijing", "China", _NORTH, "北京", "+86 10 5550", _CHINESE_STREETS),
    Place("Tianjin", "Tianjin", "China", _NORTH, "天津", "+86 22 5550", _CHINESE_STREETS),
    Place("Shenyang", "Liaoning", "China", _NORTH, "沈阳", "+86 24 5550", _CHINESE_STREETS),
    Place("Guangzhou", "Guangdong", "China", _SOUTH, "广州", "+86 20 5550", _CHINESE_STREETS),
    Place("Shenzhen", "Guangdong", "China", _SOUTH, "深圳", "+86 755 5550", _CHINESE_STREETS),
    Place("Xiamen", "Fujian", "China", _SOUTH, "厦门", "+86 592 5550", _CHINESE_STREETS),
    Place("Chengdu", "Sichuan", "China", _WEST, "成都", "+86 28 5550", _CHINESE_STREETS),
    Place("Chongqing", "Chongqing", "China", _WEST, "重庆", "+86 23 5550", _CHINESE_STREETS),
)
ENGLISH_PLACES = (
    Place("London", "Greater London", "United Kingdom", _EUROPE, "", "+44 20 7946", _ENGLISH_STREETS),
    Place("Bristol", "Bristol", "United Kingdom", _EUROPE, "", "+44 117 496", _ENGLISH_STREETS),
    Place("Manchester", "Greater Manchester", "United Kingdom", _EUROPE, "", "+44 161 496", _ENGLISH_STREETS),
    Place("Rotterdam", "South Holland", "Netherlands", _EUROPE, "", "+31 10 555", _ENGLISH_STREETS),
    Place("Singapore", "Singapore", "Singapore", _PACIFIC, "", "+65 6555", _ENGLISH_STREETS),
    Place("Sydney", "New South Wales", "Australia", _PACIFIC, "", "+61 2 5550", _ENGLISH_STREETS),
)

INDUSTRIES = tuple(
    _industry(row)
    for row in """
Industrial Machinery|INDUSTRIALS|精密机械|Engineering|machine tools, gearboxes|steel, bearings|850|0.07|0.9
Air Freight & Logistics|INDUSTRIALS|物流|Logistics|freight, warehousing|fuel, trucks|620|0.04|1.6
Building Products|INDUSTRIALS|建材|Building Supplies|cement, window frames|limestone, aluminium|780|0.05|1
Electrical Components|INDUSTRIALS|电气|Electrical|switchgear, cable|copper, resin|900|0.08|1
Semiconductors|INFORMATION_TECHNOLOGY|微电子|Microelectronics|sensors, power chips|wafers, gases|1400|0.14|0.6
Application Software|INFORMATION_TECHNOLOGY|软件|Software|planning tools, hosting|servers, licences|700|0.16|0.8
Packaged Foods|CONSUMER_STAPLES|食品|Foods|noodles, sauces|flour, oil|640|0.06|1.4
Beverages|CONSUMER_STAPLES|饮料|Beverages|tea drinks, juice|sugar, bottles|880|0.09|1.1
Apparel & Textiles|CONSUMER_DISCRETIONARY|纺织|Textiles|yarn, work clothes|cotton, dyes|420|0.05|1.2
Automotive Parts|CONSUMER_DISCRETIONARY|汽车部件|Motor Components|brakes, seats|steel, plastics|760|0.05|1.1
Hotels & Restaurants|CONSUMER_DISCRETIONARY|酒店管理|Hospitality|hotel nights, catering|food, linen|310|0.04|0.7
Pharmaceuticals|HEALTH_CARE|制药|Pharma|antibiotics, vaccines|active substances, vials|1050|0.15|0.7
Health Care Equipment|HEALTH_CARE|医疗器械|Medical Devices|scanners, syringes|electronics, polymers|820|0.12|0.8
Specialty Chemicals|MATERIALS|化工|Chemicals|coatings, adhesives|solvents, resins|1300|0.08|0.9
Metals & Mining|MATERIALS|金属|Metals|copper wire, alloys|ore, coke|1900|0.05|0.8
Renewable Energy|UTILITIES|新能源|Renewables|wind power, solar parks|turbines, panels|2200|0.11|0.3
Oil & Gas Services|ENERGY|能源服务|Energy Services|drilling, pipe laying|pipes, rigs|1500|0.06|0.8
Real Estate Development|REAL_ESTATE|置业|Properties|flats, office space|concrete, lifts|2600|0.1|0.25
Farm Products|AGRICULTURE|农业科技|Farms|rice, vegetables|seed, feed|360|0.05|0.9
Publishing & Media|COMMUNICATION_SERVICES|文化传媒|Media|books, films|paper, studio time|560|0.08|0.9
Vocational Education|EDUCATION|教育|Learning|courses, examinations|textbooks, computers|280|0.07|0.8
""".strip().splitlines()
)
"""Columns: name, sector, two words for company names, products, supplies, 1,000 CNY a head, margin, asset turnover."""

CHINESE_BRANDS = _words(
    "恒远, 精诚, 华瑞, 金桥, 天澜, 盛和, 博安, 云帆, 明德, 嘉禾, 启航, 凌峰, 东篱, 安泰, 长风, 海岳, 润泽, "
    "星源, 宏图, 青禾"
)
CHINESE_BRANDS_LATIN = _words(
    "Hengyuan, Jingcheng, Huarui, Jinqiao, Tianlan, Shenghe, Boan, Yunfan, Mingde, Jiahe, Qihang, "
    "Lingfeng, Dongli, Antai, Changfeng, Haiyue, Runze, Xingyuan, Hongtu, Qinghe"
)
CHINESE_FORMS = ("有限公司", "股份有限公司", "集团有限公司", "科技有限公司")
CHINESE_AREAS = {_EAST: "华东", _NORTH: "北方", _SOUTH: "华南", _WEST: "西部"}
ENGLISH_BRANDS = _words(
    "Harbour, Finch, Alder, Marlow, Wren, Thistle, Copper, Northgate, Larkfield, Penrose, Ashdown, "
    "Silverdale, Bramble, Kestrel, Oakham, Tidewell, Rowan, Stonebridge, Calloway, Greenacre"
)
ENGLISH_FORMS = ("Ltd.", "plc", "Group Ltd.", "Holdings Ltd.")

SURNAMES = _pairs(
    "李=Li, 王=Wang, 张=Zhang, 刘=Liu, 陈=Chen, 杨=Yang, 赵=Zhao, 黄=Huang, 周=Zhou, 吴=Wu, 徐=Xu, 孙=Sun, "
    "马=Ma, 朱=Zhu, 欧阳=Ouyang"
)
GIVEN_MALE = _pairs(
    "晓明=Xiaoming, 建国=Jianguo, 伟=Wei, 志强=Zhiqiang, 浩然=Haoran, 文博=Wenbo, 俊杰=Junjie, "
    "海涛=Haitao, 一鸣=Yiming, 立新=Lixin"
)
GIVEN_FEMALE = _pairs(
    "美玲=Meiling, 雨桐=Yutong, 静=Jing, 思远=Siyuan, 丽华=Lihua, 欣怡=Xinyi, 雪梅=Xuemei, 佳宁=Jianing, "
    "婉清=Wanqing, 晓燕=Xiaoyan"
)
FIRST_MALE = ("Oliver", "Thomas", "Edward", "James", "Arjun", "Daniel", "Hugo", "Samuel", "Peter", "Marcus")
FIRST_FEMALE = _words("Amelia, Charlotte, Grace, Priya, Eleanor, Sophie, Ruth, Isobel, Nadia, Hannah")
LAST = _words(
    "Hart, Whitfield, Okafor, Sutton, Brennan, Lindqvist, Mehta, Prescott, Tan, Fairbairn, Doyle, Winslow, "
    "Ng, Ellery, Castell"
)

POSITIONS = _pairs(
    "总经理=Managing director, 财务总监=Chief financial officer, 采购经理=Purchasing manager, "
    "生产厂长=Works manager, 销售总监=Sales director, 董事长=Chair of the board"
)
JOBS = {
    "ADMINISTRATION": "Office clerk",
    "BLUE_COLLAR": "Machine operator",
    "ENTREPRENEUR": "Company owner",
    "HOUSEHOLD": "Homemaker",
    "MANAGEMENT": "Department head",
    "RETIRED": "Pensioner",
    "SELF_EMPLOYED": "Freelance designer",
    "SERVICES": "Shop manager",
    "STUDENT": "Student",
    "TECHNICIAN": "Maintenance technician",
    "UNEMPLOYED": "Looking for work",
}
HOBBIES = _words("hiking, tea, calligraphy, football, chess, photography, fishing, opera, cooking, cycling")
LIKES = _words("short meetings, figures on paper, tea before business, morning calls, no small talk, golf, site visits")
TAGS = _words(
    "export, family-run, pilot, high-tech, renewal due, cross-sell, referral, green credit, new plant, "
    "旗舰客户, 重点培育"
)
OTHER_BANKS = (
    "江南联合银行",
    "北辰商业银行",
    "岭海银行",
    "North Quay Bank",
    "Fenwick & Sons Bank",
    "Straits Mutual Bank",
)
AUDITORS = ("正信会计师事务所", "同衡会计师事务所", "Pell & Hargrave LLP", "Audley Marsh LLP")
CERTIFICATES = ("ISO 9001", "ISO 14001", "ISO 45001", "ISO 13485", "IATF 16949")
MARKETS = _words("China, Vietnam, Germany, United Kingdom, Japan, United States, Brazil, Kenya, Indonesia")
CONCERNS = _words("interest rates, exchange rates, slow payers, energy costs, skilled staff, new rules, succession")
NEEDS = _words(
    "longer maturities, faster approval, payments from one screen, hedging, a loan for a new line, advice on pensions"
)
FEATURES = _words(
    "low fees, early repayment, same-day decision, one contact person, online statements, flexible collateral"
)

GLAD = (
    "The manager answers the same day.",
    "贷款审批比别家快。",
    "Clear words and no surprises in the fees.",
    "客户经理很了解我们的行业。",
)
NEUTRAL = ("Works, but nothing stands out.", "服务一般，没有特别的问题。", "Fees are fine; the screens are slow.")
SORRY = (
    "Waited five weeks for a decision.",
    "手续太多，回复太慢。",
    "The contact person changed twice this year.",
    "费用不透明。",
)
VISITS = (
    "Talked about the new production line; papers for the loan follow next week.",
    "参观了新厂房，讨论了明年的资金需求。",
    "Short talk; the client compares our offer with another bank's.",
    "客户对汇率波动表示担心，希望了解避险产品。",
    "Went through the yearly accounts; receivables have grown faster than sales.",
)
REASONS = (
    "Orders for the next two quarters are signed.",
    "原材料价格上涨，利润空间变小。",
    "Demand abroad is weak, at home it holds.",
    "新政策对行业有利。",
    "Rents and wages rise faster than prices.",
)
