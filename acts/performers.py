"""How each act that needs an approval is carried out; the one place of this layer that sees all areas."""

from acts.attributes_approved import perform_change, perform_computing, perform_retirement
from acts.erasure_approved import perform_erasure
from acts.exporting.asking import perform_export
from acts.managers_approved import perform_role_grant
from acts.merge_approved import perform_merge
from acts.policies_approved import perform_policy
from acts.proposing import Performers
from policy.approvals import (
    ATTRIBUTE_CHANGE,
    ATTRIBUTE_COMPUTE,
    ATTRIBUTE_RETIRE,
    CLIENT_ERASE,
    CLIENT_MERGE,
    POLICY_CHANGE,
    RESTRICTED_EXPORT,
    ROLE_GRANT,
)

PERFORMERS: Performers = {
    ATTRIBUTE_CHANGE: perform_change,
    ATTRIBUTE_COMPUTE: perform_computing,
    ATTRIBUTE_RETIRE: perform_retirement,
    CLIENT_ERASE: perform_erasure,
    CLIENT_MERGE: perform_merge,
    POLICY_CHANGE: perform_policy,
    RESTRICTED_EXPORT: perform_export,
    ROLE_GRANT: perform_role_grant,
}
