// Connects, refreshes and disconnects through oidc-provider in the place of Microsoft and of Google; a line of JSON a step.
import { once } from "node:events";
import { createServer } from "node:http";

// Its notices about a development set-up would stand among the steps.
console.info = console.warn = console.error = () => {};
const { default: Provider, interactionPolicy } = await import("oidc-provider");

const [base, microsoftPort, googlePort] = process.argv.slice(2);
const realNow = Date.now;
let shift = 0;
Date.now = () => realNow() + shift;
const TENANT = "9188040d-6c67-4b1c-b112-36a304b66dad";
const ACCOUNT = { sub: "117", tid: TENANT, oid: "o-1", email: "ada@example.com", email_verified: true, name: "Ada" };
const SCOPES = [
  "openid", "email", "profile", "offline_access", "User.Read", "Calendars.ReadWrite", "MailboxSettings.Read",
  "https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.readonly", "https://www.googleapis.com/auth/calendar",
];
const step = (name, held, said) => process.stdout.write(`${JSON.stringify({ step: name, held: Boolean(held), said: JSON.stringify(said) ?? "" })}\n`);

function server(issuer, callbacks, rotates) {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }));
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "client-EXAMPLE", client_secret: "secret-EXAMPLE", redirect_uris: callbacks, response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"], token_endpoint_auth_method: "client_secret_post",
    }],
    scopes: SCOPES, pkce: { required: () => true }, rotateRefreshToken: rotates, issueRefreshToken: () => true,
    claims: { openid: ["sub", "tid", "oid"], email: ["email", "email_verified"], profile: ["name"] }, conformIdTokenClaims: false,
    interactions: { policy }, features: { devInteractions: { enabled: false } }, cookies: { keys: ["EXAMPLE"] },
    findAccount: () => ({ accountId: ACCOUNT.sub, claims: () => ACCOUNT }), ttl: { AccessToken: 3600, RefreshToken: 90 * 86400, Grant: 90 * 86400 },
  });
  const seen = { grants: [], errors: [], revoked: 0, calls: 0, tokens: [] };
  provider.on("grant.success", (ctx) => {
    seen.grants.push(ctx.oidc.params);
    seen.tokens.push(ctx.body.refresh_token);
  });
  for (const name of ["grant.error", "authorization.error", "server_error"]) provider.on(name, (_, error) => seen.errors.push(`${name} ${error.error_description ?? error}`));
  const callback = provider.callback();
  return { seen, handle: async (request, answer) => {
    const path = request.url.split("?")[0];
    if (path.startsWith("/interaction/")) {
      const { params } = await provider.interactionDetails(request, answer);
      const grant = new provider.Grant({ accountId: ACCOUNT.sub, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      const done = { login: { accountId: ACCOUNT.sub }, select_account: {}, consent: { grantId: await grant.save() } };
      return provider.interactionFinished(request, answer, done, { mergeWithLastSubmission: true });
    }
    if (path.startsWith("/api")) {
      const token = await provider.AccessToken.find((request.headers.authorization ?? "").replace("Bearer ", ""));
      answer.writeHead(token ? 200 : 401, { "content-type": "application/json" });
      seen.calls += token ? 1 : 0;
      return answer.end(token ? "{\"items\":[],\"value\":[]}" : "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"status\":\"UNAUTHENTICATED\"}}");
    }
    if (path === "/revoke") {
      let form = "";
      for await (const chunk of request) form += chunk;
      const token = await provider.RefreshToken.find(new URLSearchParams(form).get("token"));
      seen.revoked += token ? 1 : 0;
      await token?.destroy();
      return answer.end();
    }
    return callback(request, answer);
  } };
}

async function listen(port, { handle }) {
  const http = createServer((request, answer) => handle(request, answer).catch((error) => answer.writeHead(500).end(String(error))));
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  return http;
}

const post = async (path, body, token) => {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(`${base}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json().catch(() => ({})) };
};
const session = async (user) => (await post("/_local/sessions", { user_id: user })).body.token;
const advance = async (seconds) => {
  shift += seconds * 1000;
  await post("/_local/clock", { advance_seconds: seconds });
};

// One browser: cookies by host, redirects by hand until it would arrive at the front end.
async function browse(url) {
  const jars = {};
  for (let hop = 0; hop < 20; hop += 1) {
    const { host } = new URL(url);
    jars[host] ??= {};
    const cookie = Object.entries(jars[host]).map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", headers: { cookie, accept: "text/html" } });
    for (const [name, value] of answer.headers.getSetCookie().map((line) => line.split(";")[0].split(/=(.*)/s))) jars[host][name] = value;
    const next = answer.headers.get("location");
    if (!next) return { url, status: answer.status, text: (await answer.text()).slice(0, 300) };
    url = new URL(next, url).href;
    if (url.startsWith("http://localhost:3001/")) return { url };
  }
  return { url, text: "too many redirects" };
}

async function life(provider, foreign, rotates) {
  const { seen } = foreign;
  const user = `user_2Oidc${provider}`;
  const tell = (name, held, said) => step(`${provider}: ${name}`, held, said ?? seen.errors);
  await post("/_local/users", { user_id: user, email: "ada@example.com" });
  const landed = await browse(`${base}/calendar/auth/start?user_id=${user}&provider=${provider}`);
  const handle = new URLSearchParams(new URL(landed.url).hash.slice(1)).get("handle");
  tell("the browser comes back with a handle, the code unredeemed", handle && seen.grants.length === 0, { landed, errors: seen.errors });
  const completed = await post("/calendar/auth/complete", { handle }, await session(user));
  tell("the owner's session completes", completed.status === 200 && completed.body.account_email === ACCOUNT.email, { completed, errors: seen.errors });
  const first = seen.grants[0] ?? {};
  tell("the code was redeemed once, with its verifier and the client's secret",
    seen.grants.length === 1 && first.grant_type === "authorization_code" && first.code_verifier?.length >= 43);
  const verify = async (refresh) => (await post(`/calendar/connections/${completed.body.connection_id}/verify?refresh=${refresh}`, {}, await session(user))).body;
  const plain = await verify(false);
  tell("the access token opens the calendar", plain.works === true && seen.calls > 0, plain);
  for (const round of [1, 2, 3]) {
    await advance(3500);
    const { works } = await verify(true);
    tell(`refresh ${round} gives tokens that work`, works === true && seen.grants.length === round + 1 && seen.grants.at(-1).grant_type === "refresh_token");
  }
  const distinct = new Set(seen.tokens).size;
  tell("the refresh token rotates as the server says", distinct === (rotates ? 4 : 1), distinct);
  if (rotates) {
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: seen.tokens[0], client_id: "client-EXAMPLE", client_secret: "secret-EXAMPLE" });
    const theft = await fetch(`http://localhost:${microsoftPort}/token`, { method: "POST", body: form });
    tell("an old token ends the family", theft.status === 400, theft.status);
    await advance(3500);
    const dead = await verify(true);
    tell("then the owner is asked to connect again", dead.works === false && JSON.stringify(dead).includes("reauth_required"), dead);
  }
  const ended = await fetch(`${base}/calendar/connections/${completed.body.connection_id}`, { method: "DELETE", headers: { authorization: `Bearer ${await session(user)}` } });
  tell("disconnecting ends the connection", ended.ok && (rotates || seen.revoked === 1), { status: ended.status, revoked: seen.revoked });
}

const microsoft = server(`https://login.microsoftonline.com/${TENANT}/v2.0`, [`${base}/calendar/auth/callback`, `${base}/calendar/auth/callback/microsoft`], true);
const google = server("https://accounts.google.com", [`${base}/calendar/auth/callback/google`], false);
await listen(microsoftPort, microsoft);
await listen(googlePort, google);
await life("microsoft", microsoft, true);
await life("google", google, false);
process.exit(0);
