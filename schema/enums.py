"""Sets of words that code owns."""

from typing import Any

import strawberry

from acts.duplicates import DuplicateRule
from acts.merge import Side
from catalogue.attribute import ClientKind, ClientStage, Facet, Sensitivity, Status
from catalogue.kinds import KINDS, Kind
from catalogue.model_use import Gives, Unset
from policy.approvals import ApprovalStatus
from policy.files import ExportFormat, FileRole
from policy.jobs import JobState
from policy.rules import Right, RowScope, Unreadable
from policy.segments import SegmentMove, SegmentStatus
from repositories.compile.freshness import StaleKey
from repositories.entry_windows import Weekday, WindowStatus
from repositories.grants import GrantKind


def _enum(cls: Any, description: str, meanings: dict[str, str], name: str | None = None) -> Any:
    made = strawberry.enum(cls, name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = meanings[value.name]
    return made


ClientKindEnum = _enum(
    ClientKind,
    "Organisations and persons.",
    {"ORGANISATION": "A company, an authority, an association.", "PERSON": "A natural person."},
)
ClientStageEnum = _enum(
    ClientStage,
    "Where the relationship with a client stands.",
    {
        "PROSPECT": "Not a client yet.",
        "ACTIVE": "Does business with the bank.",
        "DORMANT": "A client without business at present.",
        "LOST": "No longer a client.",
    },
)
FACET_MEANINGS = {
    "PROFILE": "Who the client is: industry, size, place, people.",
    "BEHAVIOUR": "What the client does: contacts, finances, purchases, money flows.",
    "ATTITUDE": "What the client thinks: satisfaction, preferences, outlook.",
    "DERIVED": "What follows from the other three: ratios, rating, value, segment.",
}
FacetEnum = _enum(Facet, "The four sides of a client.", FACET_MEANINGS)
SensitivityEnum = _enum(
    Sensitivity,
    "How secret a value is, from open to most secret.",
    {
        "PUBLIC": "Anybody may know it.",
        "INTERNAL": "Everybody in the bank may know it.",
        "CONFIDENTIAL": "Those who work with the client may know it.",
        "RESTRICTED": "Only with a purpose.",
    },
)
AttributeStatusEnum = _enum(
    Status,
    "Where an attribute stands in its life.",
    {
        "DRAFT": "Defined, not in the schema yet.",
        "PUBLISHED": "In the schema.",
        "DEPRECATED": "In the schema, on its way out.",
        "RETIRED": "Out of the schema; stored values and history stay, and the path is never used again.",
    },
    "AttributeStatus",
)
AttributeKindEnum = _enum(
    Kind,
    "What a value of an attribute is.",
    {str(kind): f"{spec.expected[0].upper()}{spec.expected[1:]}." for kind, spec in KINDS.items()},
    "AttributeKind",
)
RowScopeEnum = _enum(
    RowScope,
    "Which clients a rule is about.",
    {
        "NONE": "None.",
        "GRANTED": "Those that were granted to the person one by one.",
        "OWN": "Those that the person is accountable for.",
        "TEAM": "Those of the person's team.",
        "REGION": "Those of the person's region.",
        "ALL": "All of them.",
    },
)
RIGHT_MEANINGS = {
    "CHANGE_CLIENTS": "Make clients and change their values.",
    "RECORD_CONTACTS": "Record contacts and visits.",
    "DEFINE_ATTRIBUTES": "Define attributes and entry windows, change them, and propose to retire attributes.",
    "DEFINE_SEGMENTS": "Define segments, change and retire them.",
    "CHANGE_DIRECTORY": "Make and change managers and service accounts.",
    "GRANT_ACCESS": "Open a client to a person, or close one, for a time.",
    "CHANGE_POLICY": "Propose to change the policy.",
    "READ_AUDIT": "Ask who read and who changed a client.",
    "ERASE_CLIENTS": "Propose to erase clients.",
    "EXPORT_CLIENTS": "Take clients out in files.",
    "MANAGE_JOBS": "See and steer everybody's jobs.",
    "HAND_OVER_CLIENTS": "Hand clients over to another manager.",
}
RightEnum = _enum(Right, "What a person may do besides reading.", RIGHT_MEANINGS)
UnreadableEnum = _enum(
    Unreadable,
    "What becomes of a selected attribute that the viewer may not read.",
    {
        "NULL": "It is null, and its path stands in extensions.hidden.",
        "ABSENT": "It is as good as unknown.",
    },
)
ApprovalStatusEnum = _enum(
    ApprovalStatus,
    "Where an approval stands.",
    {
        "REQUESTED": "Waits for the decision of another person.",
        "APPROVED": "Approved; carriedOutAt or outcomeErrors say what became of the act.",
        "REFUSED": "Refused: nothing was done.",
        "WITHDRAWN": "Taken back by whoever proposed it.",
        "EXPIRED": "Nobody decided in time.",
    },
)
FileRoleEnum = _enum(
    FileRole,
    "What a file is for.",
    {
        "UPLOAD": "Sent to be imported.",
        "REFUSED_ROWS": "The rows that an import refused, with the reasons, to be mended and imported again.",
        "EXPORT": "Clients taken out.",
        "IMPORT_MAP": "The map by which an import reads an export again.",
    },
)
ExportFormatEnum = _enum(
    ExportFormat,
    "How an export is written.",
    {
        "CSV": "CSV in UTF-8: one line a client, lists as JSON text.",
        "JSONL": "JSON Lines: one object a client, with the path of each attribute as its key.",
        "PARQUET": "Parquet: typed columns; lists of groups as JSON text, decimals as text.",
        "XLSX": "A workbook of one sheet.",
    },
)
JobStateEnum = _enum(
    JobState,
    "Where a job stands.",
    {
        "QUEUED": "Waits for a worker; after an error, for the next try.",
        "RUNNING": "A worker has it in hand.",
        "PAUSED": "Stopped by somebody; it goes on from its checkpoint when it is resumed.",
        "DONE": "Done.",
        "FAILED": "Given up; it can be sent again.",
        "CANCELLED": "Stopped by somebody for good.",
    },
)
GrantKindEnum = _enum(
    GrantKind,
    "What a grant does.",
    {
        "GRANT": "It opens a client that the person could not see otherwise.",
        "WALL": "It closes a client, whatever else opens it.",
    },
)
StaleKeyEnum = _enum(
    StaleKey,
    "What stale values are counted by.",
    {
        "MANAGER": "The accountable manager of the client.",
        "ATTRIBUTE": "The attribute.",
        "MANAGER_AND_ATTRIBUTE": "Both.",
    },
    "StaleValueGrouping",
)
WeekdayEnum = _enum(
    Weekday,
    "A day of a week, which begins on Monday.",
    {each.name: f"{each.name.capitalize()}." for each in Weekday},
)
WindowStatusEnum = _enum(
    WindowStatus,
    "Whether an entry window is in use.",
    {"ACTIVE": "In use.", "RETIRED": "Out of use; what was entered within it can still be asked."},
    "EntryWindowStatus",
)
MergeSideEnum = _enum(
    Side,
    "Which of two clients a value comes from.",
    {
        "KEPT": "The client who is kept.",
        "MERGED": "The client who becomes part of that one.",
    },
    "MergeSide",
)
DuplicateRuleEnum = _enum(
    DuplicateRule,
    "What two clients have in common who are likely one.",
    {
        "TAX_NUMBER": "The tax number, by its keyed hash; with a purpose.",
        "REGISTRATION": "The number in the register, by its keyed hash, where it is a look-up; with a purpose.",
        "EMAIL": "The e-mail address, whatever its case.",
        "PHONE": "The telephone number, whatever stands between its digits.",
        "NAME_AND_CITY": "Name and city, whatever their case, spaces and signs.",
    },
)
SegmentStatusEnum = _enum(
    SegmentStatus,
    "Where a segment stands in its life.",
    {
        "ACTIVE": "It has members, and a snapshot a day.",
        "RETIRED": "It has no members any more; its past stays, and its code is never used again.",
    },
)
SegmentMoveEnum = _enum(
    SegmentMove,
    "What a client did, as two daily snapshots tell.",
    {"JOINED": "Was in the segment then, and not the day before.", "LEFT": "Was in it the day before, and not then."},
)
ModelGivesEnum = _enum(
    Gives,
    "What an output of a model holds.",
    {
        "NUMBER": "A number with decimals.",
        "INTEGER": "A whole number.",
        "BOOLEAN": "Yes or no.",
        "STRING": "A text, such as a code.",
    },
    "ModelGives",
)
ModelUnsetEnum = _enum(
    Unset,
    "What becomes of a client without a value for an input of a model.",
    {
        "SKIP": "The client gets no result.",
        "NAN": "The model gets NaN, or an empty text, and makes of it what it was trained to.",
    },
    "ModelUnset",
)
