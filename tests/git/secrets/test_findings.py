"""Secrets that a commit adds: which are found, where, and that no value comes out."""

from __future__ import annotations

import base64
import json
import logging
import tempfile
from pathlib import Path

import pytest
from git_repo import Repo
from secrets_help import KEY, pat, pem, scanned

from audit.git.secrets.key import fingerprint

VALUE = "not-a-real-" + "pass-8Xk29vmQ"


def secret(name: str = "db", **values: str) -> str:
    body = "".join(f"  {key}: {value}\n" for key, value in values.items())
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: shop\nstringData:\n{body}"


def places(rows, kind: str = "scanner"):
    return {(row["path"], row["line"]) for row in rows if row["kind"] == kind}


def test_an_added_line_is_found_with_its_commit_path_and_line(repo: Repo) -> None:
    repo.commit("one", {"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"})
    sha = repo.commit("two", {"a.txt": f"1\n2\n3\n4\n5\n6\n7\n8\ntoken = {pat()}\n9\n"})
    rows, unread = scanned(repo)
    assert [(row["sha"], row["path"], row["line"]) for row in rows] == [(sha, "a.txt", 9)]
    assert rows[0]["fingerprint"] == fingerprint(KEY, pat().encode())
    assert unread == []


def test_lines_that_were_there_before_are_not_added(repo: Repo) -> None:
    repo.commit("one", {"a.txt": f"token = {pat()}\nx\n"})
    repo.commit("two", {"a.txt": f"token = {pat()}\ny\n"})
    assert scanned(repo, last=1)[0] == []


def test_a_merge_is_compared_with_its_first_parent(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("side", {"s.txt": "x\n"})
    repo.main()
    merge = repo.merge("merge", "side", resolve={"evil.txt": f"token = {pat()}\n"})
    assert [(row["sha"], row["path"]) for row in scanned(repo)[0]] == [(merge, "evil.txt")]


@pytest.mark.parametrize("name", ["go.sum", "x.svg", "x.zip", "x.tar.gz", "node_modules/a.js", "a\nb'\".txt"])
def test_no_name_hides_a_secret(repo: Repo, name: str) -> None:
    repo.commit("one", {name: f"token = {pat()}\n"})
    assert len(scanned(repo)[0]) == 1


def test_nothing_in_the_repository_switches_the_scanner_off(repo: Repo) -> None:
    repo.commit(
        "one",
        {
            "a.txt": f"token = {pat()} # gitleaks:allow betterleaks:allow\n",
            ".betterleaks.toml": "prefilter = 'true'\n",
            ".gitleaks.toml": "[allowlist]\npaths = ['.*']\n",
            ".betterleaksignore": "a.txt\n",
            ".gitattributes": "* -diff binary\n",
            "b.bin": b"\0\1\2" + f"\ntoken = {pat('bb')}\n".encode(),
            "c.txt": f"token = {pat('cc')}\n".encode("utf-16"),
        },
    )
    assert places(scanned(repo)[0]) == {("a.txt", 1), ("b.bin", 2), ("c.txt", 1)}


def test_a_private_key_is_whole_and_the_same_however_far_it_is_indented(repo: Repo) -> None:
    repo.commit("one", {"a.pem": pem(), "b.yaml": "key: |\n" + pem("    ")})
    rows = [row for row in scanned(repo)[0] if row["rule"] == "private-key"]
    assert {(row["path"], row["line"]) for row in rows} == {("a.pem", 1), ("b.yaml", 2)}
    assert len({row["fingerprint"] for row in rows}) == 1


def test_nothing_is_cut_in_a_long_file(repo: Repo) -> None:
    repo.commit(
        "one", {"long.txt": "".join(f"token = {pat(f'{n:02d}')}\n" + "x" * 997 + "\n" for n in range(400))}
    )
    assert {row["line"] for row in scanned(repo)[0]} == set(range(1, 800, 2))


def test_a_plain_secret_has_the_fingerprint_of_its_decoded_value(repo: Repo) -> None:
    encoded = base64.b64encode(VALUE.encode()).decode()
    repo.commit(
        "one",
        {"a.yaml": secret(password=encoded).replace("stringData", "data"), "b.env": f"password={VALUE}\n"},
    )
    rows = scanned(repo)[0]
    plain = [row for row in rows if row["kind"] == "plain secret"]
    assert [(row["rule"], row["line"]) for row in plain] == [("Secret/shop/db:password", 7)]
    assert {row["fingerprint"] for row in rows} == {fingerprint(KEY, VALUE.encode())}


@pytest.mark.parametrize("value", ['""', '"{{ .Values.x }}"', "<path:kv/a#b>", "${PASSWORD}", "REPLACE_ME"])
def test_a_value_that_stands_for_another_is_none(repo: Repo, value: str) -> None:
    repo.commit("one", {"a.yaml": secret(password=value)})
    assert places(scanned(repo)[0], "plain secret") == set()


def test_a_secret_in_a_list_or_spelt_with_escapes_is_found(repo: Repo) -> None:
    item = json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"k": VALUE}}
    )
    escaped = item.replace("Secret", "\\u0053ecret")
    repo.commit("one", {"a.json": f'{{"apiVersion":"v1","kind":"List","items":[{item}]}}', "b.yaml": escaped})
    assert places(scanned(repo)[0], "plain secret") == {("a.json", 1), ("b.yaml", 1)}


def test_only_what_the_commit_added_to_a_secret_counts(repo: Repo) -> None:
    repo.commit("one", {"a.yaml": secret(password=VALUE)})
    repo.commit("two", {"a.yaml": secret(password=VALUE, other=VALUE + "2")})
    rows = [row for row in scanned(repo, last=1)[0] if row["kind"] == "plain secret"]
    assert [row["rule"] for row in rows] == ["Secret/shop/db:other"]


def test_generators_take_literals_and_files(repo: Repo) -> None:
    text = f"secretGenerator:\n- name: g\n  literals:\n  - a={VALUE}\n  files: [x.key]\n  envs: [x.env]\n"
    repo.commit(
        "one", {"k/kustomization.yaml": text, "k/x.key": "first-value", "k/x.env": f"# c\nB={VALUE}3\n"}
    )
    assert places(scanned(repo)[0], "plain secret") == {
        ("k/kustomization.yaml", 4),
        ("k/x.key", 1),
        ("k/x.env", 2),
    }
    sha = repo.commit("two", {"k/x.key": "second-value"})
    rows = [row for row in scanned(repo, last=1)[0] if row["kind"] == "plain secret"]
    assert [(row["sha"], row["rule"]) for row in rows] == [(sha, "secretGenerator//g:x.key")]


ENC = "ENC[AES256_GCM,data:c2VhbGVk,iv:aXY=,tag:dGFn,type:str]"


def test_a_file_that_sops_should_have_encrypted_and_did_not(repo: Repo) -> None:
    config = "creation_rules:\n- path_regex: secrets/.*\n  encrypted_regex: ^(password)$\n"
    repo.commit(
        "one",
        {
            "s/.sops.yaml": config,
            "s/secrets/values.yaml": f"user: joe\npassword: {VALUE}\n",
            "s/secrets/half.yaml": f"password: {ENC}\napi_key: {VALUE}\nsops:\n  mac: {ENC}\n  encrypted_regex: key\n",
            "s/secrets/good.yaml": f"password: {ENC}\nsops:\n  mac: {ENC}\n  encrypted_regex: password\n",
            "other/values.yaml": f"password: {VALUE}4\n",
        },
    )
    assert places(scanned(repo)[0], "unencrypted sops") == {
        ("s/secrets/values.yaml", 2),
        ("s/secrets/half.yaml", 2),
    }


def test_ciphertext_is_no_secret(repo: Repo) -> None:
    sealed = "Ag" + base64.b64encode(bytes(range(256)) * 2).decode()
    repo.commit(
        "one",
        {
            "a.yaml": f"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: a}}\nspec:\n  encryptedData:\n    api_key: {sealed}\n",
            "b.yaml": f"api_key: {ENC}\nsops:\n  mac: {ENC}\n",
        },
    )
    assert scanned(repo)[0] == []


@pytest.mark.parametrize("value", ["files", "txt", "1234", "00000000", "AKIA", "yaml"])
def test_a_value_that_is_in_the_name_of_a_file_harms_nothing(repo: Repo, value: str) -> None:
    """The scanner redacts values in names of files too."""
    repo.commit("one", {f"{value}/a.txt": f'password = "{value}"\ntoken = {pat()}\n'})
    assert (f"{value}/a.txt", 2) in places(scanned(repo)[0])


def test_what_can_not_be_read_is_said(repo: Repo) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    repo.commit(
        "one",
        {
            "bomb.yaml": bomb + "kind: Secret\n",
            "bad.yaml": "kind: Secret\n\t- [\n",
            "big.txt": b"x" * (9 << 20),
            ".sops.yaml": "creation_rules:\n- path_regex: '('\n",
        },
    )
    assert {row["path"] for row in scanned(repo)[1]} == {"bomb.yaml", "bad.yaml", "big.txt", ".sops.yaml"}


def test_no_value_is_left_anywhere(repo: Repo, tmp_path: Path, monkeypatch, caplog, capfd) -> None:
    """Planted values are in no row, log, output or file that stays."""
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    repo.commit("one", {"a.txt": f"token = {pat()}\n", "b.yaml": secret(password=VALUE), "c.pem": pem()})
    rows, unread = scanned(repo)
    said = capfd.readouterr()
    everything = json.dumps([rows, unread]) + caplog.text + said.out + said.err
    assert len(rows) >= 3
    for value in (pat(), VALUE, "MIIEabcdefghijk"):
        assert value not in everything
    assert list(folder.rglob("*")) == []


def test_a_secret_among_other_documents_has_its_line_and_is_not_hidden_by_a_broken_one(repo: Repo) -> None:
    broken = "a: [\n---\n"
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\nstringData:\n  banner: open-1\n"
    )
    repo.commit("add", {"x.yaml": f"kind: A\n---\n{broken}{secret}---\nkind: B\n"})
    rows, _ = scanned(repo)
    assert [(row["line"], row["rule"]) for row in rows if row["kind"] == "plain secret"] == [
        (9, "Secret/n/s:banner")
    ]


@pytest.mark.parametrize("nothing", ["null", "~", "", "''"])
def test_a_key_without_a_value_is_no_secret(repo: Repo, nothing: str) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n"
    repo.commit("add", {"x.yaml": f"{head}  banner: {nothing}\n"})
    assert scanned(repo) == ([], [])
    repo.commit("quoted", {"x.yaml": f"{head}  banner: 'open-1'\n"})
    assert [row["rule"] for row in scanned(repo)[0]] == ["Secret//s:banner"]
