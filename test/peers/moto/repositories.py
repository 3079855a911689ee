"""CodeCommit beyond repositories, which is all that moto has: reads a real git repository, CODECOMMIT_REPOSITORY.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Operations.html
"""

import base64
import json
import os
import re
import subprocess

from moto.codecommit.responses import CodeCommitResponse
from moto.core.exceptions import JsonRESTError

# CodeCommit gives up to 100 differences at a time unless told.
PAGE = 3


def refused(name, message="refused"):
    return JsonRESTError(name, message)


def git(*args, ok=(0,)):
    folder = os.environ["CODECOMMIT_REPOSITORY"]
    done = subprocess.run(["git", "-C", folder, "-c", "core.quotePath=false", *args], capture_output=True)
    return done.stdout if done.returncode in ok else None


def commit_json(commit_id):
    text = git("log", "-1", "--date=raw", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B", commit_id).decode()
    found, tree, parents, name, email, date, committer, committer_email, committed, message = text.split("\0")
    return {
        "commitId": found,
        "treeId": tree,
        "parents": parents.split(),
        "author": {"name": name, "email": email, "date": date},
        "committer": {"name": committer, "email": committer_email, "date": committed},
        "message": message,
    }


def known(commit_id):
    if not re.fullmatch(r"[0-9a-f]{40}", commit_id or ""):
        raise refused("InvalidCommitIdException")
    if git("cat-file", "-e", f"{commit_id}^{{commit}}") is None:
        raise refused("CommitIdDoesNotExistException", f"Could not find commit {commit_id}")
    return commit_id


def specified(name):
    """A commit specifier: a full id or a branch."""
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found is None:
        raise refused("CommitDoesNotExistException", f"Could not find {name}")
    return found.decode().strip()


def get_commit(self):
    return json.dumps({"commit": commit_json(known(self._get_param("commitId")))})


def batch_get_commits(self):
    commits, errors = [], []
    for commit_id in self._get_param("commitIds"):
        try:
            commits.append(commit_json(known(commit_id)))
        except JsonRESTError:
            errors.append({"commitId": commit_id, "errorCode": "CommitIdDoesNotExistException"})
    return json.dumps({"commits": commits, "errors": errors})


def get_branch(self):
    name = self._get_param("branchName")
    if len(name) > 256 or git("check-ref-format", "--branch", name) is None:
        raise refused("InvalidBranchNameException")
    found = git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}")
    if found is None:
        raise refused("BranchDoesNotExistException", f"{name} does not exist")
    return json.dumps({"branch": {"branchName": name, "commitId": found.decode().strip()}})


def get_repository(self):
    return json.dumps({"repositoryMetadata": {"repositoryName": self._get_param("repositoryName"), "defaultBranch": "main"}})


def get_differences(self):
    after = specified(self._get_param("afterCommitSpecifier"))
    before = self._get_param("beforeCommitSpecifier")
    start = specified(before) if before else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's empty tree
    fields = git("diff-tree", "-r", "-z", "--no-renames", start, after).decode().split("\0")
    differences = []
    for about, path in zip(fields[0::2], fields[1::2]):
        old_mode, new_mode, old, new, kind = about.lstrip(":").split(" ")
        difference = {"changeType": kind}
        if kind != "A":
            difference["beforeBlob"] = {"blobId": old, "path": path, "mode": old_mode}
        if kind != "D":
            difference["afterBlob"] = {"blobId": new, "path": path, "mode": new_mode}
        differences.append(difference)
    # In these two operations alone the token's name is capitalised.
    place = int(self._get_param("NextToken") or 0)
    answer = {"differences": differences[place : place + PAGE]}
    if place + PAGE < len(differences):
        answer["NextToken"] = str(place + PAGE)
    return json.dumps(answer)


def get_folder(self):
    commit = specified(self._get_param("commitSpecifier"))
    path = self._get_param("folderPath").strip("/")
    if path and git("cat-file", "-t", f"{commit}:{path}") != b"tree\n":
        raise refused("FolderDoesNotExistException", path)
    answer = {"commitId": commit, "folderPath": path, "files": [], "subFolders": [], "symbolicLinks": [], "subModules": []}
    for line in git("ls-tree", "-z", f"{commit}:{path}").decode().split("\0")[:-1]:
        about, name = line.split("\t", 1)
        mode, kind, object_id = about.split(" ")
        entry = {"absolutePath": f"{path}/{name}" if path else name, "relativePath": name}
        if kind == "tree":
            answer["subFolders"].append({**entry, "treeId": object_id})
        elif kind == "commit":
            answer["subModules"].append({**entry, "commitId": object_id})
        else:
            mode_name = {"100755": "EXECUTABLE", "120000": "SYMLINK"}.get(mode, "NORMAL")
            place = "symbolicLinks" if mode == "120000" else "files"
            answer[place].append({**entry, "blobId": object_id, "fileMode": mode_name})
    return json.dumps(answer)


def get_blob(self):
    content = git("cat-file", "blob", self._get_param("blobId"))
    if content is None:
        raise refused("BlobIdDoesNotExistException")
    if len(content) > 6 * 1024 * 1024:
        raise refused("FileTooLargeException", "The specified file exceeds the file size limit")
    return json.dumps({"content": base64.b64encode(content).decode()})


def install():
    if "CODECOMMIT_REPOSITORY" not in os.environ:
        return
    for operation in (get_commit, batch_get_commits, get_branch, get_repository, get_differences, get_folder, get_blob):
        setattr(CodeCommitResponse, operation.__name__, operation)
