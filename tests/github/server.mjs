// A repository on GitHub, as far as the tests need one. It refuses every request that GitHub's own description of its API does not
// allow, and holds its own answers to the same description. Usage: node server.mjs MODULES SCENARIO.json; prints its port.
//
// Under /_control the test looks at what was asked (GET) and changes the world (POST, merged into the state).
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { Contract } from "./contract.mjs";

const [modules, scenario] = process.argv.slice(2);
const contract = new Contract(modules);
const state = {
  token: "", repository: "example/aether", defaultBranch: "main", branches: {}, workflows: [], jobs: [], runs: [],
  permissions: null, details: true, advance: true, faults: [], ...JSON.parse(readFileSync(scenario, "utf8")),
};
const log = [];
const violations = [];
const began = Date.now();

const time = (millis) => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z");

function startRun(workflow, event, branch, title) {
  const id = 7000000001 + state.runs.length;
  const run = { id, attempt: 1, workflow: workflow.id, event, branch, sha: state.branches[branch], title, created: Date.now(), tick: 0, approvals: [], artifacts: state.artifacts ?? [], jobs: structuredClone(state.jobs) };
  state.runs.push(run);
  return run;
}

// Where each job of a run stands: one after the other, and none after one that failed.
function progress(run) {
  let at = 0, stopped = false;
  return run.jobs.map((job) => {
    if (stopped && !job.always) return { ...job, status: "completed", conclusion: "skipped" };
    if (job.approval && !run.approvals.some((approval) => approval.state === "approved")) {
      if (run.tick >= at) { at = Infinity; return { ...job, status: "waiting", conclusion: null }; }
    }
    const [from, to] = [at, at + (job.ticks ?? 1)];
    at = to;
    if (run.tick < from || at === Infinity) return { ...job, status: "queued", conclusion: null };
    if (run.tick < to) return { ...job, status: "in_progress", conclusion: null };
    const conclusion = job.conclusion ?? "success";
    if (conclusion !== "success" && conclusion !== "skipped") stopped = true;
    return { ...job, status: "completed", conclusion };
  });
}

function showRun(run) {
  const jobs = progress(run);
  const done = jobs.every((job) => job.status === "completed");
  const bad = jobs.find((job) => !["success", "skipped"].includes(job.conclusion));
  const shown = contract.example("workflow-run");
  const status = done ? "completed" : jobs.some((job) => job.status === "waiting") ? "waiting" : run.tick ? "in_progress" : "queued";
  const html = `https://github.com/${state.repository}/actions/runs/${run.id}`;
  return { ...shown, id: run.id, run_attempt: run.attempt, head_sha: run.sha, head_branch: run.branch, event: run.event, status,
    conclusion: done ? run.conclusion ?? state.conclusion ?? bad?.conclusion ?? "success" : null, display_title: run.title, created_at: time(run.created), run_started_at: time(run.created),
    updated_at: time(Date.now()), html_url: html, workflow_id: run.workflow, name: state.workflows.find((workflow) => workflow.id === run.workflow)?.name };
}

function showJob(run, job, index) {
  const shown = contract.example("job");
  const started = ["queued", "waiting"].includes(job.status) ? run.created : run.created + 1000;
  return { ...shown, id: run.id * 10 + index, run_id: run.id, run_attempt: run.attempt, name: job.name, status: job.status, conclusion: job.conclusion,
    head_sha: run.sha, created_at: time(run.created), started_at: time(started), completed_at: job.status === "completed" ? time(started + 60000) : null,
    html_url: `https://github.com/${state.repository}/actions/runs/${run.id}/job/${index}`,
    steps: (job.steps ?? []).map((step, number) => ({ status: job.status === "completed" ? "completed" : "queued", number: number + 1, conclusion: job.status === "completed" ? step.conclusion ?? "success" : null, name: step.name })) };
}

const showWorkflow = (workflow) => ({ ...contract.example("workflow"), ...workflow, inputs: undefined });
const runOf = (named) => state.runs.find((run) => String(run.id) === named.run_id) ?? missing();
const missing = () => { throw { status: 404, body: { message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" } }; };
const refuse = (status, message) => { throw { status, body: { message, documentation_url: "https://docs.github.com/rest", status: String(status) } }; };

// One page of a list, with its Link header.
function page(all, query, url) {
  const per = Number(query.get("per_page") ?? 30), number = Number(query.get("page") ?? 1);
  const most = Math.min(per, state.perPage ?? 100);
  const items = all.slice((number - 1) * most, number * most);
  const headers = {};
  if (number * most < all.length) {
    const next = new URL(url);
    next.searchParams.set("page", number + 1);
    headers.link = `<${next}>; rel="next", <${next}>; rel="last"`;
  }
  return { items, headers };
}

const REPO = "/repos/{owner}/{repo}";
const operations = {
  [`GET ${REPO}`]: ["metadata:read", () => ({ body: { ...contract.example("full-repository-default-response"), source: undefined, parent: undefined, template_repository: undefined, language: null, full_name: state.repository, default_branch: state.defaultBranch } })],
  [`GET ${REPO}/commits/{ref}`]: ["contents:read", ({ named }) => {
    const sha = state.branches[named.ref] ?? (Object.values(state.branches).includes(named.ref) ? named.ref : refuse(422, `No commit found for SHA: ${named.ref}`));
    return { body: { ...contract.example("commit"), sha, files: [] } };
  }],
  [`GET ${REPO}/actions/workflows`]: ["actions:read", ({ query, url }) => {
    const { items, headers } = page(state.workflows, query, url);
    return { headers, body: { total_count: state.workflows.length, workflows: items.map(showWorkflow) } };
  }],
  [`POST ${REPO}/actions/workflows/{workflow_id}/dispatches`]: ["actions:write", ({ named, body }) => {
    const workflow = state.workflows.find((workflow) => String(workflow.id) === named.workflow_id) ?? missing();
    if (!state.branches[body.ref]) refuse(422, `No ref found for: ${body.ref}`);
    if (!workflow.inputs) refuse(422, "Workflow does not have 'workflow_dispatch' trigger");
    const strange = Object.keys(body.inputs ?? {}).filter((name) => !workflow.inputs.includes(name));
    if (strange.length) refuse(422, `Unexpected inputs provided: ${JSON.stringify(strange)}`);
    const run = startRun(workflow, "workflow_dispatch", body.ref, state.titles === false ? workflow.name : `${body.inputs.release} ${body.inputs.correlation}`);
    if (state.movesTo) run.sha = state.movesTo;
    if (!body.return_run_details || !state.details) return { status: 204 };
    const run_url = `https://api.github.com/repos/${state.repository}/actions/runs/${run.id}`;
    return { status: 200, body: { workflow_run_id: run.id, run_url, html_url: run_url } };
  }],
  [`GET ${REPO}/actions/workflows/{workflow_id}/runs`]: ["actions:read", ({ named, query, url }) => {
    const [since, until] = (query.get("created") ?? "..").split("..").map((text) => Date.parse(text));
    const within = (run) => !query.get("created") || (run.created >= since && run.created <= until + 999);
    const runs = state.runs.filter((run) => String(run.workflow) === named.workflow_id && !run.hidden && within(run)
      && (!query.get("event") || run.event === query.get("event")) && (!query.get("head_sha") || run.sha === query.get("head_sha"))).reverse();
    const { items, headers } = page(runs, query, url);
    // A list that lags behind what was started.
    return { headers, body: { total_count: runs.length, workflow_runs: state.lag ? [] : items.map(showRun) } };
  }],
  [`GET ${REPO}/actions/runs/{run_id}`]: ["actions:read", ({ named }) => ({ body: showRun(runOf(named)) })],
  [`GET ${REPO}/actions/runs/{run_id}/attempts/{attempt_number}`]: ["actions:read", ({ named }) => {
    const run = runOf(named);
    const body = showRun(run);
    if (state.advance) run.tick += 1;
    return { body };
  }],
  [`GET ${REPO}/actions/runs/{run_id}/attempts/{attempt_number}/jobs`]: ["actions:read", ({ named, query, url }) => {
    const run = runOf(named);
    const { items, headers } = page(progress(run).map((job, index) => showJob(run, job, index)), query, url);
    return { headers, body: { total_count: run.jobs.length, jobs: items } };
  }],
  [`GET ${REPO}/actions/runs/{run_id}/approvals`]: ["actions:read", ({ named }) => ({ body: runOf(named).approvals.map((approval) => {
    const shown = contract.example("environment-approvals-items")[0];
    return { ...shown, state: approval.state, comment: approval.comment, user: { ...shown.user, login: approval.user }, environments: [{ ...shown.environments[0], name: approval.environment }] };
  }) })],
  [`GET ${REPO}/actions/runs/{run_id}/artifacts`]: ["actions:read", ({ named, query, url }) => {
    const artifacts = runOf(named).artifacts.map((artifact, index) => ({ ...contract.example("artifact"), id: index + 1, expired: false, ...artifact }));
    const { items, headers } = page(artifacts, query, url);
    return { headers, body: { total_count: artifacts.length, artifacts: items } };
  }],
};

// What is attested: state.attested = {digest: [predicateType or null]}; GitHub may show an address instead of the bundle.
operations[`GET ${REPO}/attestations/{subject_digest}`] = ["attestations:read", ({ named, query, url }) => {
  const payload = (predicateType) => Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", predicateType })).toString("base64");
  const shown = contract.example("list-attestations").attestations[0];
  const show = (type) => type ? { ...shown, bundle: { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", verificationMaterial: {}, dsseEnvelope: { payload: payload(type) } } } : shown;
  return { body: { attestations: (state.attested?.[named.subject_digest] ?? []).map(show) } };
}];

// Branches, changes and their checks: state.commits = [{sha, author, pull?}], oldest first; state.pulls = [{number, …}].
const account = (login) => login && { ...contract.example("pull-request-simple").user, login };
const showCommit = ({ sha, author }) => ({ ...contract.example("commit-items")[0], sha, author: author ? account(author) : null });
function showPull(pull) {
  const shown = structuredClone(contract.example("pull-request-simple"));
  Object.assign(shown, { number: pull.number, user: account(pull.author), merged_at: pull.merged ?? null, updated_at: pull.merged ?? shown.updated_at, state: "closed", requested_teams: [] });
  shown.base.ref = pull.base ?? state.defaultBranch;
  shown.head.sha = pull.head;
  return shown;
}
const branchOf = (named) => state.branches[named.branch] ?? missing();
Object.assign(operations, {
  [`GET ${REPO}/branches/{branch}`]: ["contents:read", ({ named }) => {
    const shown = contract.example("branch-get");
    const contexts = state.protection?.contexts ?? [];
    return { body: { ...shown, name: named.branch, commit: { ...shown.commit, sha: branchOf(named) }, protected: Boolean(state.protection),
      protection: { ...shown.protection, enabled: Boolean(state.protection), required_status_checks: { ...shown.protection.required_status_checks, contexts } } } };
  }],
  [`GET ${REPO}/branches/{branch}/protection`]: ["administration:read", () => {
    if (!state.protection) missing();
    return { body: { ...contract.example("branch-protection"), required_status_checks: undefined, required_pull_request_reviews: undefined, restrictions: undefined, lock_branch: { enabled: state.protection.locked ?? false } } };
  }],
  [`GET ${REPO}/rules/branches/{branch}`]: ["metadata:read", () => ({ body: state.rules ?? [] })],
  [`GET ${REPO}/releases/latest`]: ["contents:read", () => state.release ? { body: { ...contract.example("release"), tag_name: state.release } } : missing()],
  [`GET ${REPO}/compare/{basehead}`]: ["contents:read", ({ query, url }) => {
    const { items, headers } = page(state.commits ?? [], query, url);
    return { headers, body: { ...contract.example("commit-comparison"), status: state.compared ?? "ahead", total_commits: (state.commits ?? []).length, commits: items.map(showCommit) } };
  }],
  [`GET ${REPO}/commits`]: ["contents:read", ({ query, url }) => {
    const { items, headers } = page(state.since ?? [], query, url);
    return { headers, body: items.map(showCommit) };
  }],
  [`GET ${REPO}/commits/{commit_sha}/pulls`]: ["pull_requests:read", ({ named }) => {
    const commit = (state.commits ?? []).find((commit) => commit.sha === named.commit_sha);
    return { body: (state.pulls ?? []).filter((pull) => pull.number === commit?.pull).map(showPull) };
  }],
  [`GET ${REPO}/pulls`]: ["pull_requests:read", () => ({ body: (state.pulls ?? []).map(showPull) })],
  [`GET ${REPO}/pulls/{pull_number}/reviews`]: ["pull_requests:read", ({ named, query, url }) => {
    const pull = (state.pulls ?? []).find((pull) => String(pull.number) === named.pull_number) ?? missing();
    const { items, headers } = page(pull.reviews ?? [], query, url);
    return { headers, body: items.map(([by, verdict]) => ({ ...contract.example("pull-request-review-items")[0], user: account(by), state: verdict })) };
  }],
  [`GET ${REPO}/commits/{ref}/check-runs`]: ["checks:read", ({ named, query, url }) => {
    const { items, headers } = page(state.checks?.[named.ref] ?? [], query, url);
    const shown = contract.example("check-run");
    return { headers, body: { total_count: items.length, check_runs: items.map(([name, conclusion]) => ({ ...shown, name, conclusion, status: conclusion ? "completed" : "in_progress" })) } };
  }],
  [`GET ${REPO}/commits/{ref}/status`]: ["statuses:read", () => ({ body: { ...contract.example("combined-commit-status"), statuses: [], total_count: 0 } })],
});

// What GitHub asks of every request beside its description.
function headersFit(headers) {
  const faults = [];
  if (!headers["user-agent"]) faults.push("no user-agent");
  if (!/json/.test(headers.accept ?? "")) faults.push("accepts no JSON");
  if (headers["x-github-api-version"] !== "2022-11-28") faults.push("no known version of the API");
  return faults;
}

function answer(method, url, headers, body) {
  const { operation, call, named, faults } = contract.request(method, url.pathname, url.searchParams, headers, body);
  log.push(`${method} ${url.pathname}`);
  faults.push(...headersFit(headers));
  if (faults.length) {
    violations.push(`${method} ${url.pathname}${url.search}: ${faults.join("; ")}`);
    return { status: 400, body: { message: faults.join("; ") } };
  }
  if (headers.authorization !== `Bearer ${state.token}`) return { status: 401, body: { message: `Bad credentials: ${headers.authorization}` } };
  if (`${named.owner}/${named.repo}` !== state.repository) return { status: 404, body: { message: "Not Found" } };
  const known = operations[operation];
  if (!known) {
    violations.push(`${operation} is not played here`);
    return { status: 501, body: { message: operation } };
  }
  const [permission, play] = known;
  const writes = permission.replace(/read$/, "write");
  if (state.permissions && ![permission, writes].some((each) => state.permissions.includes(each))) {
    return { status: 403, body: { message: "Resource not accessible by personal access token", documentation_url: "https://docs.github.com/rest" } };
  }
  try {
    const { status = 200, headers: more = {}, body: said } = play({ named, query: url.searchParams, body, url: url.href });
    const plain = said === undefined ? undefined : JSON.parse(JSON.stringify(said));
    const own = contract.answer(call, status, plain);
    if (own.length) violations.push(`our own answer to ${operation}: ${own.slice(0, 5).join("; ")}`);
    return { status, headers: more, body: plain };
  } catch (refusal) {
    if (!refusal.status) throw refusal;
    return refusal;
  }
}

createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const text = Buffer.concat(parts).toString();
    const url = new URL(request.url, `http://${request.headers.host}`);
    const body = text ? JSON.parse(text) : undefined;
    if (url.pathname === "/_control") {
      if (request.method === "POST") {
        const { runs, ...rest } = body;
        Object.assign(state, rest);
        // Changes of runs, by their place in the list; a new one where there is none.
        (runs ?? []).forEach((change, index) => {
          if (change && !state.runs[index]) startRun(state.workflows[0], "push", state.defaultBranch, "by hand");
          if (change) Object.assign(state.runs[index], change);
        });
      }
      response.end(JSON.stringify({ state, log, violations, seconds: (Date.now() - began) / 1000 }));
      return;
    }
    // The network between: [{"match": "POST …/dispatches", "times": 1, "before" | "after": "cut" | "hang" | status}]
    const fault = state.faults.find((fault) => (fault.times ?? 1) > 0 && `${request.method} ${url.pathname}`.includes(fault.match));
    if (fault) fault.times = (fault.times ?? 1) - 1;
    const spoil = (how) => {
      if (how === "cut") request.socket.destroy();
      else if (typeof how === "number") response.writeHead(how, fault.headers ?? {}).end(fault.body ?? "{}");
    };
    if (fault?.before) return spoil(fault.before);
    const { status, headers, body: said } = answer(request.method, url, request.headers, body);
    if (fault?.after) return spoil(fault.after);
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
    response.end(said === undefined ? undefined : JSON.stringify(said));
  });
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
process.stdin.on("end", () => process.exit(0)).resume();
