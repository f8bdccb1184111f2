"""Starts MiniStack with permissions looked for as AWS does.

SQS: AWS knows no action such as sqs:SendMessageBatch; the right to the single action covers the
batch. MiniStack asks for the batch action, so the name is cut before the permission is looked for.

IAM: the ARN of a role contains its path, and rights are given by path. MiniStack looks for the
permission on an ARN without the path, or on none, so the ARN is completed. Its simulation takes the
path for a part of the role's name, so the path is cut there.
"""

from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

mapped_action = iam_actions.extract_iam_action
mapped_resource = iam_actions.extract_resource_arn
role_policies = iam_evaluator._gather_role_policies


def extract_iam_action(*args, **kwargs):
    action = mapped_action(*args, **kwargs)
    if action and action.startswith("sqs:"):
        return action.removesuffix("Batch")
    return action


def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
    def given(name):
        return iam_actions._query_param(query_params, name)

    if service == "iam":
        roles = f"arn:aws:iam::{account_id}:role"
        action = given("Action")
        if action == "ListRoles":
            return roles + (given("PathPrefix") or "/")
        if action == "SimulatePrincipalPolicy":
            return given("PolicySourceArn") or "*"
        if action == "CreateRole":
            return roles + (given("Path") or "/") + (given("RoleName") or "")
        role = iam._roles.get_scoped(account_id, None, given("RoleName") or "")
        if role:
            return role["Arn"]
    return mapped_resource(service, method, path, headers, body, query_params, region, account_id)


def gather_role_policies(role_name, account_id):
    return role_policies(role_name.rsplit("/", 1)[-1], account_id)


iam_actions.extract_iam_action = extract_iam_action
iam_actions.extract_resource_arn = extract_resource_arn
iam_evaluator._gather_role_policies = gather_role_policies

from ministack.app import main  # noqa: E402  (after the changes above)

main()
