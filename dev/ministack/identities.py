"""Makes the two IAM users of the console in the stand-in for AWS, with one access key each.

Takes the root key from the environment and the folder of the kept keys as its argument. A key that
still works is left alone, so that a restart changes nothing. A user's policy is always written.
"""

import json
import os
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL_IAM"]
REGION = os.environ["AWS_REGION"]
ROLES = f"arn:aws:iam::{os.environ['AWS_ACCOUNT_ID']}:role/event-broker/*"

POLICIES = {
    "ebm-console": [
        {
            "Effect": "Allow",
            "Action": [
                "iam:" + action
                for action in (
                    "CreateRole",
                    "TagRole",
                    "GetRole",
                    "UpdateAssumeRolePolicy",
                    "PutRolePolicy",
                    "GetRolePolicy",
                    "DeleteRolePolicy",
                    "DeleteRole",
                    "ListRolePolicies",
                    "ListRoles",
                    "SimulatePrincipalPolicy",
                )
            ],
            "Resource": ROLES,
        },
        {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"},
    ],
    "ebm-worker": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLES}],
}


def client(service, key=None, secret=None):
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 1}),
    )


def works(file, user):
    """Whether the kept key still belongs to the user."""
    if not file.exists():
        return False
    key, secret = file.read_text().split()
    try:
        return client("sts", key, secret).get_caller_identity()["Arn"].endswith(f":user/{user}")
    except ClientError:
        return False


def main():
    folder = Path(sys.argv[1])
    iam = client("iam")
    for user, statements in POLICIES.items():
        try:
            iam.create_user(UserName=user)
        except iam.exceptions.EntityAlreadyExistsException:
            pass
        iam.put_user_policy(
            UserName=user,
            PolicyName=user,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        file = folder / f"aws-{user}"
        if not works(file, user):
            for old in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
            made = iam.create_access_key(UserName=user)["AccessKey"]
            new = file.with_suffix(".new")
            new.write_text(f"{made['AccessKeyId']} {made['SecretAccessKey']}\n")
            new.replace(file)
            print(f"made a new key for {user}")


main()
