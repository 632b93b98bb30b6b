"""Each way of setting an image is read from the files that use it, and nothing else is taken for one."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.git.contents import parse
from audit.git.images import settings_of
from audit.git.images.files import found_in

DIGEST = "sha256:" + "0a" * 32
PATCH_A, PATCH_B = (
    rf'"kind: Deployment\nmetadata:\n  labels: {{}}\n  name: {name}\nspec: {{image: x:1}}"' for name in "ab"
)


def said(path: str, content: str) -> list[str]:
    """What a file sets, as `locator | set_by | image | version`."""
    found = settings_of(path, parse(dedent(content).encode()))
    return [f"{at} | {s.set_by} | {s.image} | {s.version}" for at, s in found.items()]


def test_kustomize_images() -> None:
    """Name, new name, tag and digest; what is built into the kustomization is read with it."""
    content = f"""
        images:
        - name: web
          newTag: "1.10"
        - name: registry.example.org:5000/api
          newName: ghcr.io/shop/api
          newTag: v2
          digest: {DIGEST}
        - name: job
          newName: ghcr.io/shop/job
        - name: web
          digest: {DIGEST}
        resources: [base]
        configMapGenerator:
        - name: image
          literals: [image=a:1]
        """
    assert said("apps/web/kustomization.yaml", content) == [
        "0/images/web | kustomize images | web | 1.10",
        f"0/images/registry.example.org:5000~1api | kustomize images | ghcr.io/shop/api | v2@{DIGEST}",
        "0/images/job | kustomize images | ghcr.io/shop/job | None",
        f"0/images/web#2 | kustomize images | web | {DIGEST}",
    ]


def test_patches_and_charts_written_into_a_kustomization() -> None:
    content = """
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        patches:
        - target: {kind: Deployment, name: web}
          patch: |-
            - op: replace
              path: /spec/template/spec/containers/0/image
              value: ghcr.io/shop/web:v1
            - op: test
              path: /spec/template/spec/containers/1/image
              value: ghcr.io/shop/side:v1
        - target: {kind: HelmRelease, name: web}
          patch: '[{"op": "replace", "path": "/spec/values/image/tag", "value": "v7"}]'
        patchesStrategicMerge:
        - patch.yaml
        - |-
          kind: Deployment
          apiVersion: apps/v1
          metadata: {name: api}
          spec: {template: {spec: {containers: [{name: api, image: "api:v3"}]}}}
        helmCharts:
        - name: redis
          valuesInline: {image: {tag: 7.2.0}}
        """
    assert said("x/any-name.yaml", content) == [
        "0/patches/Deployment:web/patch/~1spec~1template~1spec~1containers~10~1image/image"
        " | manifest | ghcr.io/shop/web | v1",
        "0/patches/HelmRelease:web/patch/~1spec~1values~1image~1tag/image | manifest | image | v7",
        "0/patchesStrategicMerge/1/Deployment:api/spec/template/spec/containers/api/image | manifest | api | v3",
        "0/helmCharts/redis/valuesInline/image | helm values | image | 7.2.0",
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "below"),
    [
        ("Pod", "{%s: [{name: web, image: 'web:v1'}]}", "spec"),
        ("Deployment", "{template: {spec: {%s: [{name: web, image: 'web:v1'}]}}}", "spec/template/spec"),
        ("CronJob", "{jobTemplate: {spec: {template: {spec: {%s: [{name: web, image: 'web:v1'}]}}}}}",
         "spec/jobTemplate/spec/template/spec"),
        ("Rollout", "{template: {spec: {%s: [{name: web, image: 'web:v1'}]}}}", "spec/template/spec"),
        ("Prometheus", "{%s: [{name: web, image: 'web:v1'}]}", "spec"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("list_of", ["containers", "initContainers", "ephemeralContainers"])
def test_workloads_and_custom_resources_that_hold_containers(
    kind: str, spec: str, below: str, list_of: str
) -> None:
    content = f"apiVersion: example.org/v1\nkind: {kind}\nmetadata: {{name: shop}}\nspec: {spec % list_of}\n"
    assert said("a.yaml", content) == [f"{kind}:shop/{below}/{list_of}/web/image | manifest | web | v1"]


def test_lists_of_objects_and_several_documents() -> None:
    """Each object is found by kind, namespace and name; one without a name by its number."""
    content = """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: n}, spec: {containers: [{name: c, image: i:1}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {generateName: b-}, spec: {containers: [{image: i:2}, {image: i}]}}
        """
    assert said("a.json", content) == [
        "0/items/Pod:n~1a/spec/containers/c/image | manifest | i | 1",
        "1/spec/containers/0/image | manifest | i | 2",
        "1/spec/containers/1/image | manifest | i | None",
    ]


HELM = f"""
image: {{repository: ghcr.io/web, tag: "1.20"}}                  | 0/image             | ghcr.io/web           | 1.20
image: {{registry: ghcr.io, repository: web, tag: v1}}           | 0/image             | ghcr.io/web           | v1
image: {{registry: ghcr.io, repository: ghcr.io/web, tag: v1}}   | 0/image             | ghcr.io/web           | v1
image: {{registry: r.io, image: in/web, tag: v1, digest: "{DIGEST}"}} | 0/image        | r.io/in/web           | v1@{DIGEST}
image: {{repository: web, tag: "", digest: "{DIGEST}"}}          | 0/image             | web                   | {DIGEST}
image: {{repository: web, tag: "{{{{ .x }}}}"}}                  | 0/image             | web                   | None
image: {{tag: v1, pullPolicy: Always}}                           | 0/image             | image                 | v1
a: {{b: {{image: {{tag: v1}}}}}}                                 | 0/a/b/image         | a.b.image             | v1
apps: [{{name: web, appImage: {{tag: v1}}}}]                     | 0/apps/web/appImage | apps.web.appImage     | v1
image: ghcr.io/web:v1                                            | 0/image             | ghcr.io/web           | v1
image: ghcr.io/web                                               | 0/image             | ghcr.io/web           | None
web: {{image: nginx, tag: "1.10"}}                               | 0/web               | nginx                 | 1.10
web: {{repository: nginx, tag: "1.10"}}                          | 0/web               | nginx                 | 1.10
base_image: nginx:1                                              | 0/base_image        | nginx                 | 1
web: {{imageTag: v1, imageRepository: ghcr.io/web}}              | 0/web/imageTag      | ghcr.io/web           | v1
web: {{workerImageTag: v1, workerImageDigest: "{DIGEST}"}}       | 0/web/workerImageTag | web.workerImage      | v1@{DIGEST}
images: {{web: {{repository: ghcr.io/web, tag: v1}}}}            | 0/images/web        | ghcr.io/web           | v1
images: {{web: ghcr.io/web:v1, side: none}}                      | 0/images/web        | ghcr.io/web           | v1
images: [ghcr.io/web:v1]                                         | 0/images/ghcr.io~1web | ghcr.io/web         | v1
"""


@pytest.mark.parametrize(
    ("content", "at", "image", "number"),
    [[cell.strip() for cell in line.split(" | ")] for line in HELM.strip().splitlines()],
)
def test_helm_values(content: str, at: str, image: str, number: str) -> None:
    """An image may be a mapping, a text, or a tag by itself, at any depth. What names no image is named for its place."""
    assert said("charts/web/values-prod.yaml", content) == [f"{at} | helm values | {image} | {number}"]


@pytest.mark.parametrize(
    "content",
    ["image: ''", "image: https://example.org/a.png", "imagePullPolicy: Always", "showImage: 'true'", "tag: v1\nreplicas: 2",
     "logo: {tag: v1}", "image: {pullPolicy: Always}", "image: [a, b]", "images: ''", "repository: https://a.org\ntag: 1",
     "just text", "[]", ""],
)  # fmt: skip
def test_what_sets_no_image(content: str) -> None:
    assert said("values.yaml", content) == []


def test_argo_cd_applications() -> None:
    """Parameters, values as an object and as text, and Kustomize's images in their short form."""
    content = """
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: web, namespace: argocd}
        spec:
          sources:
          - helm:
              parameters:
              - {name: image.repository, value: ghcr.io/shop/web}
              - {name: image.tag, value: v1}
              - {name: side.image.tag, value: v2}
              - {name: replicas, value: "2"}
              valuesObject: {job: {image: {tag: v3}}}
          - helm:
              values: |
                image:
                  tag: v4
          - kustomize:
              images: ["api=ghcr.io/shop/api:v5", "ghcr.io/shop/job:v6"]
        """
    at = "Application:argocd~1web/spec/sources"
    assert said("a.yaml", content) == [
        f"{at}/0/helm/parameters/image | operator object | ghcr.io/shop/web | v1",
        f"{at}/0/helm/parameters/side/image | operator object | side.image | v2",
        f"{at}/0/helm/valuesObject/job/image | operator object | job.image | v3",
        f"{at}/1/helm/values/image | operator object | image | v4",
        f"{at}/2/kustomize/images/api | operator object | ghcr.io/shop/api | v5",
        f"{at}/2/kustomize/images/ghcr.io~1shop~1job | operator object | ghcr.io/shop/job | v6",
    ]


def test_application_sets_and_argo_cds_overrides() -> None:
    content = """
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {name: web}
        spec:
          generators:
          - list: {elements: [{name: prod, imageTag: v1}]}
          template: {spec: {source: {kustomize: {images: ["web=web:{{imageTag}}"]}}}}
        """
    assert said("a.yaml", content) == [
        "ApplicationSet:web/spec/generators/0/list/elements/prod/imageTag | operator object"
        " | spec.generators.0.list.elements.prod.image | v1",
        "ApplicationSet:web/spec/template/spec/source/kustomize/images/web | operator object | web | None",
    ]
    assert said("apps/.argocd-source-web.yaml", "kustomize: {images: ['ghcr.io/web:v2']}") == [
        "0/kustomize/images/ghcr.io~1web | operator object | ghcr.io/web | v2"
    ]


def test_flux_objects() -> None:
    content = """
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: web}
        spec:
          values: {image: {tag: v1}}
          postRenderers: [{kustomize: {images: [{name: side, newTag: v2}]}}]
        ---
        apiVersion: kustomize.toolkit.fluxcd.io/v1
        kind: Kustomization
        metadata: {name: apps}
        spec:
          images: [{name: web, newName: ghcr.io/web, newTag: v3}]
          patches: [{patch: "- {op: add, path: /spec/image, value: 'api:v4'}"}]
        """
    assert said("a.yaml", content) == [
        "HelmRelease:web/spec/values/image | operator object | image | v1",
        "HelmRelease:web/spec/postRenderers/0/kustomize/images/side | operator object | side | v2",
        "Kustomization:apps/spec/images/web | operator object | ghcr.io/web | v3",
        "Kustomization:apps/spec/patches/0/patch/~1spec~1image/image | operator object | api | v4",
    ]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("image-tags/prod/web", "image_tag: v12\nautomatic_deploys_enabled: true\n", "0/image_tag | tag file | web | v12"),
        ("tags/prod/web.yaml", "tag: 1.10\n", "0/tag | tag file | web | 1.10"),
        ("prod/web.json", f'{{"imageTag": "v1", "digest": "{DIGEST}"}}', f"0/imageTag | tag file | web | v1@{DIGEST}"),
        ("prod/values.yaml", "imageTag: v1\n", "0/imageTag | helm values | image | v1"),
        ("prod/web.yaml", "tag: v1\nrepository: ghcr.io/web\n", "0 | helm values | ghcr.io/web | v1"),
    ],
)  # fmt: skip
def test_tag_files(path: str, content: str, expected: str) -> None:
    """A flat file of a tag is named for the image; one of values, or with the image's name in it, is none."""
    assert said(path, content) == [expected]


@pytest.mark.parametrize(
    "path",
    ["charts/web/templates/deployment.yaml", ".github/workflows/ci.yaml", ".gitlab-ci.yml", "docker-compose.yaml",
     "web/Chart.yaml", "web/values.schema.json", "docs/readme.md"],
)  # fmt: skip
def test_files_that_deploy_nothing_are_left_alone(path: str) -> None:
    assert said(path, "image: ghcr.io/web:v1\n") == []


def test_secrets_are_never_looked_into() -> None:
    content = "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {image: 'obviously:fake'}}"
    assert said("a.yaml", content) == []
    assert said("a.yaml", f"{{apiVersion: v1, kind: List, items: [{content}]}}") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("images: [{name: a, newTag: 1}]", "images: [{name: b, newTag: 2}, {name: a, newTag: 1}]"),
        (f"patches: [{{patch: {PATCH_A}}}]", f"patches: [{{patch: {PATCH_B}}}, {{patch: {PATCH_A}}}]"),
        ("list: [{name: a, image: a:1}]", "list: [{name: b, image: b:1}, {name: a, image: a:1}]"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}, image: a:1}",
         "{apiVersion: v1, kind: Pod, metadata: {name: b}, image: b:1}\n---\n"
         "{apiVersion: v1, kind: Pod, metadata: {name: a}, image: a:1}"),
    ],
)  # fmt: skip
def test_what_is_put_in_above_moves_no_locator(before: str, after: str) -> None:
    one, other = (settings_of("a.yaml" if "list" in text or "Pod" in text else "kustomization.yaml", parse(text.encode()))
                  for text in (before, after))  # fmt: skip
    assert one
    assert one.items() <= other.items()


def test_names_are_escaped_as_in_json_pointers_and_long_ones_cut() -> None:
    content = {"a/b~c": {"image": "i:1"}, "k" * 5000: {"image": "i:2"}}
    first, second = settings_of("values.yaml", (content,))
    assert first == "0/a~1b~0c/image"
    assert len(second) < 150


def test_text_that_is_not_yaml_is_a_problem_of_its_place_only() -> None:
    content = """
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: web}
        spec:
          source:
            helm:
              values: "image: {tag: [}"
              valuesObject: {image: {tag: v1}}
        """
    found = found_in("a.yaml", parse(dedent(content).encode()))
    assert [s.version for s in found.settings.values()] == ["v1"]
    assert list(found.problems) == ["Application:web/spec/source/helm/values"]


def test_texts_within_texts_end() -> None:
    """A patch in a patch in a patch … is not followed without end."""
    inner = "image: a:1"
    for _ in range(6):
        inner = "patch: |\n" + "\n".join(f"  {line}" for line in inner.splitlines())
    found = found_in("a.yaml", parse(inner.encode()))
    assert not found.settings
    assert ["deeper than 3" in reason for reason in found.problems.values()] == [True]


_KEYS = st.sampled_from(
    ["apiVersion", "kind", "metadata", "name", "image", "images", "tag", "digest", "imageTag", "helm", "values", "spec",
     "parameters", "value", "patches", "patch", "op", "path", "items", "containers", "repository", "registry", "newTag"]
)  # fmt: skip
_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "add",
        "List",
        "Kustomization",
        "image: {tag: v1}",
        "a.b.image.tag",
        "/image",
        "web:v1",
        "{{ x }}",
        "v1",
        "[",
        "~",
    ]
)
_TREES = st.recursive(
    _TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | _TEXTS, inner, max_size=5), max_leaves=25
)  # fmt: skip


@given(
    st.lists(_TREES, max_size=3),
    st.sampled_from(["values.yaml", "kustomization.yaml", "web", ".argocd-source-a"]),
)
def test_no_yaml_is_too_odd(documents: list[Any], path: str) -> None:
    """Any documents give settings whose versions are text without templates; none raises."""
    for setting in settings_of(path, documents).values():
        assert setting.image
        assert setting.version is None or "{" not in setting.version
