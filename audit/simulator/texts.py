"""What stands in the files of the GitOps repository when they are new."""

from __future__ import annotations

from collections.abc import Iterable

REGISTRY = "ghcr.io/netbpf"
REPO_URL = "https://github.com/netbpf/netbpf-gitops.git"

README = """# netbpf-gitops

Everything that runs in NETBPF's clusters is declared here. Changes come by pull request, are reviewed, pass
`validate` and `policy`, and are then synchronised by Argo CD (apps) and Flux (infrastructure).
"""
_NOTE = 'commonAnnotations:\n  netbpf.com/note: |\n    version: "1.0.0"\n'


def page(title: str) -> str:
    """A page of documentation."""
    return (
        f"# {title}\n\nKept by the platform team.\n\nreviewed: revision 0\n\nSee the README for the rules.\n"
    )


def workflow(name: str) -> str:
    """A workflow of the forge's CI."""
    return f"""name: {name}
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  {name}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v1.0
        with:
          persist-credentials: false

      # tools that the job needs
      - uses: actions/setup-python@v1.0
        with:
          python-version: "3.12"

      - run: make {name}
"""


def kustomization(resources: Iterable[str], *, part: bool = False) -> str:
    """A kustomization that lists `resources`; `part`: a component that others put in."""
    version, kind = ("v1alpha1", "Component") if part else ("v1beta1", "Kustomization")
    listed = "".join(f"  - {name}\n" for name in resources)
    return (
        f"apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\nresources:\n{listed}"
        f"labels:\n  - includeSelectors: false\n    pairs:\n      netbpf.com/managed-by: gitops\n{_NOTE}"
    )


def config_map(name: str) -> str:
    """A ConfigMap with a few settings."""
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  version: "1.0.0"
  owner: platform
  contact: gitops@netbpf.com
  mode: standard
  region: eu-north
  retention: 24h
  level: info
  format: json
  zone: a
  tier: gold
  memory: 256Mi
"""


def deployment(app: str, *, tag: str | None = None) -> str:
    """A Deployment; without `tag` its image has none, and an overlay says which."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {app}
  template:
    metadata:
      labels:
        app: {app}
    spec:
      containers:
        - name: {app}
          image: {REGISTRY}/{app}{f":{tag}" if tag else ""}
          imagePullPolicy: IfNotPresent
          terminationMessagePolicy: FallbackToLogsOnError
          resources:
            requests:
              cpu: 100m
              memory: 256Mi
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
      terminationGracePeriodSeconds: 30
"""


def service(app: str) -> str:
    """A Service."""
    return f"""apiVersion: v1
kind: Service
metadata:
  name: {app}
  annotations:
    netbpf.com/contract: |
      version: "1.0.0"
spec:
  selector:
    app: {app}
  ports:
    - name: http
      port: 80
      targetPort: http
"""


def overlay(
    app: str, environment: str, *, parts: Iterable[str], alone: bool, more: Iterable[str] = ()
) -> str:
    """The kustomization of an app in one environment.

    `alone`: with a Deployment of its own and not the base's; `more`: other resources.
    """
    resources = ["deployment.yaml" if alone else "../../base", *more]
    lines = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", f"namespace: {app}"]
    lines += ["resources:", *(f"  - {name}" for name in resources)]
    lines += ["components:"] if parts else []
    lines += [f"  - {part_path(part)}" for part in parts]
    if not alone:
        lines += ["images:", f"  - name: {REGISTRY}/{app}", '    newTag: "1.0.0"']
    lines += ["commonAnnotations:", f"  netbpf.com/environment: {environment}"]
    lines += [f"  netbpf.com/runbook: https://docs.netbpf.com/{app}"]
    lines += ["  netbpf.com/contact: gitops@netbpf.com", "  netbpf.com/tier: gold"]
    lines += ["replicas:", f"  - name: {app}", "    count: 2"]
    return "\n".join(lines) + "\n"


def part_path(part: str) -> str:
    """How an overlay names a shared component."""
    return f"../../../../components/{part}"


def chart(name: str, environments: Iterable[str]) -> dict[str, str]:
    """A Helm chart's files, by their names in its folder."""
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\ndescription: What things cost\ntype: application\n\n"
        'version: "1.0.0"\n',
        "values.yaml": "replicas: 2\nregion: eu-north\ntier: gold\nzone: a\nlevel: info\nmemory: 256Mi\n",
        "templates/deployment.yaml": _TEMPLATE,
    }
    for environment in environments:
        files[f"values-{environment}.yaml"] = (
            f'image:\n  repository: {REGISTRY}/{name}\n  tag: "1.0.0"\nenvironment: {environment}\n'
            "format: json\nmode: standard\nlog:\n  retention: 24h\n"
        )
    return files


_TEMPLATE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  annotations:
    version: "1.0.0"
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      containers:
        - name: {{ .Release.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          env:
            - name: LEVEL
              value: {{ .Values.level | quote }}
"""


def argo_application(app: str, environment: str, path: str, values: Iterable[str]) -> str:
    """An Argo CD Application that deploys `path`; `values`: value files, where that is a chart."""
    helm = "".join(f"        - {name}\n" for name in values)
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n"
        f"  name: {app}-{environment}\n  namespace: argocd\nspec:\n  project: default\n  source:\n"
        f"    repoURL: {REPO_URL}\n    path: {path}\n    targetRevision: main\n"
        + (f"    helm:\n      valueFiles:\n{helm}" if helm else "")
        + f"  destination:\n    server: https://kubernetes.default.svc\n    namespace: {app}\n"
        "  syncPolicy:\n    automated:\n      prune: true\n      selfHeal: true\n"
    )


def flux_kustomization(component: str) -> str:
    """A Flux Kustomization that deploys a component of the infrastructure."""
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n"
        f"  name: infrastructure-{component}\n  namespace: flux-system\nspec:\n  interval: 10m0s\n"
        f"  path: ./infrastructure/{component}\n  prune: true\n  sourceRef:\n    kind: GitRepository\n"
        "    name: netbpf-gitops\n  timeout: 5m0s\n"
    )
