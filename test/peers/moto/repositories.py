"""CodeCommit's reads from a real git repository, CODECOMMIT_REPOSITORY; stock moto has only the list of repositories.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Operations.html
"""

import base64
import json
import os
import re
import subprocess

from moto.codecommit.responses import CodeCommitResponse
from moto.core.exceptions import JsonRESTError

# CodeCommit returns up to 100 differences per page by default.
PAGE = 3


def create_error(name, message="refused"):
    return JsonRESTError(name, message)


def git(*args, ok=(0,)):
    folder = os.environ["CODECOMMIT_REPOSITORY"]
    process = subprocess.run(["git", "-C", folder, "-c", "core.quotePath=false", *args], capture_output=True)
    return process.stdout if process.returncode in ok else None


def commit_json(commit_id):
    text = git("log", "-1", "--date=raw", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B", commit_id).decode()
    full_id, tree, parents, name, email, date, committer, committer_email, committed, message = text.split("\0")
    return {
        "commitId": full_id,
        "treeId": tree,
        "parents": parents.split(),
        "author": {"name": name, "email": email, "date": date},
        "committer": {"name": committer, "email": committer_email, "date": committed},
        "message": message,
    }


def check_commit_id(commit_id):
    if not re.fullmatch(r"[0-9a-f]{40}", commit_id or ""):
        raise create_error("InvalidCommitIdException")
    if git("cat-file", "-e", f"{commit_id}^{{commit}}") is None:
        raise create_error("CommitIdDoesNotExistException", f"Could not find commit {commit_id}")
    return commit_id


def resolve_commit(name):
    """The id for a commit specifier, which is a full id or a branch."""
    output = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if output is None:
        raise create_error("CommitDoesNotExistException", f"Could not find {name}")
    return output.decode().strip()


def get_commit(self):
    return json.dumps({"commit": commit_json(check_commit_id(self._get_param("commitId")))})


def batch_get_commits(self):
    commits, errors = [], []
    for commit_id in self._get_param("commitIds"):
        try:
            commits.append(commit_json(check_commit_id(commit_id)))
        except JsonRESTError:
            errors.append({"commitId": commit_id, "errorCode": "CommitIdDoesNotExistException"})
    return json.dumps({"commits": commits, "errors": errors})


def get_branch(self):
    name = self._get_param("branchName")
    if len(name) > 256 or git("check-ref-format", "--branch", name) is None:
        raise create_error("InvalidBranchNameException")
    output = git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}")
    if output is None:
        raise create_error("BranchDoesNotExistException", f"{name} does not exist")
    return json.dumps({"branch": {"branchName": name, "commitId": output.decode().strip()}})


def get_repository(self):
    return json.dumps({"repositoryMetadata": {"repositoryName": self._get_param("repositoryName"), "defaultBranch": "main"}})


def get_differences(self):
    after = resolve_commit(self._get_param("afterCommitSpecifier"))
    before = self._get_param("beforeCommitSpecifier")
    start = resolve_commit(before) if before else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's empty tree
    fields = git("diff-tree", "-r", "-z", "--no-renames", start, after).decode().split("\0")
    differences = []
    for metadata, path in zip(fields[0::2], fields[1::2]):
        old_mode, new_mode, old, new, kind = metadata.lstrip(":").split(" ")
        difference = {"changeType": kind}
        if kind != "A":
            difference["beforeBlob"] = {"blobId": old, "path": path, "mode": old_mode}
        if kind != "D":
            difference["afterBlob"] = {"blobId": new, "path": path, "mode": new_mode}
        differences.append(difference)
    # Only these two operations capitalise the token's name.
    start_index = int(self._get_param("NextToken") or 0)
    response = {"differences": differences[start_index : start_index + PAGE]}
    if start_index + PAGE < len(differences):
        response["NextToken"] = str(start_index + PAGE)
    return json.dumps(response)


def get_folder(self):
    commit = resolve_commit(self._get_param("commitSpecifier"))
    path = self._get_param("folderPath").strip("/")
    if path and git("cat-file", "-t", f"{commit}:{path}") != b"tree\n":
        raise create_error("FolderDoesNotExistException", path)
    response = {"commitId": commit, "folderPath": path, "files": [], "subFolders": [], "symbolicLinks": [], "subModules": []}
    for line in git("ls-tree", "-z", f"{commit}:{path}").decode().split("\0")[:-1]:
        metadata, name = line.split("\t", 1)
        mode, kind, object_id = metadata.split(" ")
        entry = {"absolutePath": f"{path}/{name}" if path else name, "relativePath": name}
        if kind == "tree":
            response["subFolders"].append({**entry, "treeId": object_id})
        elif kind == "commit":
            response["subModules"].append({**entry, "commitId": object_id})
        else:
            mode_name = {"100755": "EXECUTABLE", "120000": "SYMLINK"}.get(mode, "NORMAL")
            key = "symbolicLinks" if mode == "120000" else "files"
            response[key].append({**entry, "blobId": object_id, "fileMode": mode_name})
    return json.dumps(response)


def get_blob(self):
    content = git("cat-file", "blob", self._get_param("blobId"))
    if content is None:
        raise create_error("BlobIdDoesNotExistException")
    if len(content) > 6 * 1024 * 1024:
        raise create_error("FileTooLargeException", "The specified file exceeds the file size limit")
    return json.dumps({"content": base64.b64encode(content).decode()})


def install():
    if "CODECOMMIT_REPOSITORY" not in os.environ:
        return
    for operation in (get_commit, batch_get_commits, get_branch, get_repository, get_differences, get_folder, get_blob):
        setattr(CodeCommitResponse, operation.__name__, operation)
