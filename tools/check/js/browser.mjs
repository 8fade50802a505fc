// Chromium connects a calendar through the stand-in's consent page and a small front end; a line of JSON a step.
import { once } from "node:events";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const [base, front, executablePath] = process.argv.slice(2);
const step = (name, held, said) => process.stdout.write(`${JSON.stringify({ step: name, held: Boolean(held), said: JSON.stringify(said) ?? "" })}\n`);

// A front end as README describes one; its session token comes from its own server, as Clerk's would from Clerk.
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><p id="said"></p><script>
const handle = new URLSearchParams(location.hash.slice(1)).get("handle");
const say = (text) => { document.getElementById("said").textContent = text; };
if (handle) fetch("/token").then((answer) => answer.text())
  .then((token) => fetch("${base}/calendar/auth/complete", { method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer " + token }, body: JSON.stringify({ handle }) }))
  .then(async (answer) => say(answer.status + " " + await answer.text()), (error) => say(String(error)));
else say("nothing to complete");
</script>`;
const USER = "user_2Browser";
const control = async (path, body) => (await fetch(`${base}/_local${path}`, { method: "POST", body: JSON.stringify(body) })).json();
const server = createServer(async (request, answer) => {
  if (request.url === "/token") return answer.end((await control("/sessions", { user_id: USER })).token);
  answer.setHeader("content-type", "text/html; charset=utf-8");
  return answer.end(PAGE);
}).listen(Number(front), "127.0.0.1");
await once(server, "listening");

const launched = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"] });
const errors = [];
async function visitor() {
  const context = await launched.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(`${page.url().split("?")[0]}: ${message.text()}`));
  page.on("pageerror", (error) => errors.push(String(error)));
  return { context, page };
}
// What the browser itself says of a page that is answered with 400, which is meant here.
const isMeant = (error) => /the server responded with a status of 40[04]/.test(error);
const start = (provider) => `${base}/calendar/auth/start?user_id=${USER}&provider=${provider}`;
const flowCookies = async (context) => (await context.cookies(base)).filter(({ name }) => name.includes("slk_flow_"));

await control("/users", { user_id: USER, email: "ada@example.com" });
for (const provider of ["google", "microsoft"]) {
  const { context, page } = await visitor();
  await page.goto(start(provider));
  const [cookie, ...others] = await flowCookies(context);
  const plain = cookie && others.length === 0 && cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/" && !cookie.secure;
  step(`${provider}: the start leaves one plain cookie, which no script reads`, plain && cookie.name.startsWith("slk_flow_"), { cookie, others });
  await page.click("button[value=approve]");
  await page.waitForURL(/\/settings/);
  await page.waitForFunction(() => document.getElementById("said").textContent !== "");
  const said = await page.textContent("#said");
  step(`${provider}: the front end completes`, said.startsWith("200") && page.url().includes("auth=confirm"), { said, errors });
  step(`${provider}: the cookie is gone`, (await flowCookies(context)).length === 0);
  await page.reload();
  await page.waitForFunction(() => document.getElementById("said").textContent !== "");
  step(`${provider}: the handle works once`, (await page.textContent("#said")).startsWith("4"), await page.textContent("#said"));
  await context.close();
}

{
  const { context, page } = await visitor();
  await page.goto(start("google"));
  await page.click("button[value=deny]");
  await page.waitForURL(/\/settings/);
  step("a refusal is told as a code", page.url().includes("auth=error&code=access_denied"), page.url());
  await page.goto(start("google"));
  await context.clearCookies();
  await page.click("button[value=approve]");
  await page.waitForSelector("h1");
  step("a lost cookie gets a page of ours", page.url().startsWith(`${base}/calendar/auth/callback`) && (await page.textContent("h1")).includes("not connected yet"), page.url());
  const color = await page.evaluate(() => getComputedStyle(document.querySelector("a.button")).backgroundColor);
  step("its style is applied under its policy", color !== "rgba(0, 0, 0, 0)", color);
  await page.click("a.button");
  await page.waitForURL(/\/settings/);
  step("its link leads back to the front end", (await page.textContent("#said")) === "nothing to complete", page.url());
  await context.close();
}

{
  const { context, page } = await visitor();
  const first = page;
  const second = await context.newPage();
  await first.goto(start("google"));
  await second.goto(start("microsoft"));
  step("two tabs have a cookie each", (await flowCookies(context)).length === 2);
  for (const tab of [first, second]) {
    await tab.click("button[value=approve]");
    await tab.waitForURL(/\/settings/);
    await tab.waitForFunction(() => document.getElementById("said").textContent !== "");
    step("each tab completes", (await tab.textContent("#said")).startsWith("200"), await tab.textContent("#said"));
  }
  await context.close();
}

{
  const { context, page } = await visitor();
  const answer = await page.goto(`${base}/docs`);
  step("the documentation is there", answer.status() === 200 && (await page.locator("details").count()) > 20, answer.status());
  await page.locator("details > summary").first().click();
  step("a route opens", await page.locator("details[open]").count() === 1);
  const marks = await page.evaluate(() => [...document.querySelectorAll("nav a")].every((a) => document.getElementById(a.hash.slice(1))));
  step("its contents lead somewhere", marks);
  const console_ = await page.goto(`${base}/_local/console`);
  step("the console is there", console_.status() === 200);
  await page.waitForLoadState("load");
  await context.close();
}

// The `__Host-` name only holds over https; Chromium itself says whether our attributes allow it.
{
  const { context, page } = await visitor();
  await context.route("https://api.example.com/**", (route) => route.fulfill({
    status: 200, contentType: "text/html", body: "<link rel=icon href=data:,>",
    headers: { "set-cookie": "__Host-slk_flow_0a0a0a0a=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure" },
  }));
  await page.goto("https://api.example.com/");
  const cookies = await context.cookies("https://api.example.com/");
  step("Chromium takes the deployed cookie", cookies.some(({ name }) => name === "__Host-slk_flow_0a0a0a0a"), cookies);
  await context.close();
}

const odd = errors.filter((error) => !isMeant(error));
step("no error in any console", odd.length === 0, odd);
await launched.close();
server.close();
process.exit(0);
