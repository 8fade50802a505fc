// Mutated webhook deliveries and what both libraries say of each, a line of JSON a case.
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

const NOW = 1800000000;
Date.now = () => NOW * 1000;
const key = (letter) => Buffer.from(`EXAMPLE-${letter}`.repeat(3)).toString("base64");
const SECRET = `whsec_${key("a")}`;
const OTHER = `whsec_${key("b")}`;
const ID = "msg_EXAMPLE";
const BODY = JSON.stringify({ type: "user.created", data: { id: "user_2EXAMPLE", name: "Zoë" } });
const signature = (secret = SECRET, id = ID, at = NOW, body = BODY) => new Svix(secret).sign(id, new Date(at * 1000), body);

const cases = [];
function add(group, name, change = {}, signed = {}) {
  const { id = ID, at = NOW, body = BODY, secret = SECRET } = signed;
  for (const family of ["svix", "webhook"]) {
    const usual = { id, timestamp: String(at), signature: signature(secret, id, at, body) };
    const parts = Object.entries({ ...usual, ...change.parts }).filter(([, value]) => value !== undefined);
    const headers = { ...Object.fromEntries(parts.map(([part, value]) => [`${family}-${part}`, value])), ...change.headers };
    cases.push({ group, name: `${group} ${name}, ${family}`, headers, body: change.body ?? body, secrets: change.secrets ?? [SECRET] });
  }
}

add("good", "as it is");
for (const at of [-301, -300, -299, -1, 1, 299, 300, 301, -1e6, 1e6]) add("age", `${at} s`, {}, { at: NOW + at });
for (const timestamp of ["", " ", "x", `${NOW}.0`, `${NOW}.9`, ` ${NOW}`, `${NOW} `, `+${NOW}`, `0${NOW}`, `${NOW}x`, `${NOW}000`, "-1", "1e9", "0x6b49d200", "NaN", "Infinity", undefined, "99999999999999999999"]) {
  add("timestamp", JSON.stringify(timestamp), { parts: { timestamp } });
}
for (const id of ["", " ", "msg_other", undefined, `${ID} `, `${ID}.${NOW}`, "MSG_EXAMPLE"]) add("id", JSON.stringify(id), { parts: { id } });
for (const id of ["a", "a.b", "msg 1", "x".repeat(300)]) add("id", `${id.slice(0, 9)}, signed`, {}, { id });
for (const body of ["{}", "{ }", "[]", "null", "\"\u2028\"", "{\"a\":\"\\u0000\"}", `{"a":"${"x".repeat(20000)}"}`, "{\"a\":1}\n"]) {
  add("body", `${JSON.stringify(body).slice(0, 12)}, signed`, {}, { body });
  add("body", `${JSON.stringify(body).slice(0, 12)}, not signed`, { body });
}
const good = signature();
const [, code] = good.split(",");
const signatures = [
  undefined, "", " ", "v1", "v1,", ",", `,${code}`, code, `v1=${code}`, `V1,${code}`, `v1 ,${code}`, `v1, ${code}`, ` ${good}`, `${good} `, `${good},`,
  `${good},x`, `v2,${code}`, `v1a,${code}`, `v1,${code} v2,${code}`, `v2,x ${good}`, `v1,x ${good}`, `${good} v1,x`, `v1,x  ${good}`, `v1,x,${code}`,
  `v1,${code.slice(0, -1)}`, `v1,${code.replaceAll("=", "")}`, `v1,${code}=`, `v1,${code.toLowerCase()}`, `v1,${code.replaceAll("+", "-").replaceAll("/", "_")}`,
  `v1,${Buffer.from(code, "base64").toString("hex")}`, `v1,x\t${good}`, `v1,x;${good}`, `v1,x,${good}`, signature(OTHER), `${signature(OTHER)} ${good}`,
  `v1a,x v1,x ${good}`, `v1,${"A".repeat(43)}=`, good.repeat(2), Array(50).fill("v1,x").concat(good).join(" "),
];
for (const text of signatures) add("signature", JSON.stringify(text)?.slice(0, 40), { parts: { signature: text } });
for (let at = 0; at < code.length; at += 4) add("signature", `letter ${at}`, { parts: { signature: `v1,${code.slice(0, at)}${code[at] === "A" ? "B" : "A"}${code.slice(at + 1)}` } });
add("secrets", "the second", { secrets: [OTHER, SECRET] });
add("secrets", "another", { secrets: [OTHER] });
add("secrets", "without whsec_", { secrets: [key("a")] });
add("secrets", "whsec_ twice", { secrets: [`whsec_${SECRET}`] });
add("secrets", "empty", { secrets: ["whsec_"] });
add("secrets", "not base64", { secrets: ["whsec_***"] });
add("families", "a foreign id beside", { headers: { "svix-id": ID, "webhook-id": "msg_other" } });
add("families", "a foreign time beside", { headers: { "svix-timestamp": String(NOW), "webhook-timestamp": "1" } });
for (const part of ["id", "timestamp", "signature"]) {
  const of = { id: ID, timestamp: String(NOW), signature: good };
  add("families", `${part} from the other`, { parts: { [part]: undefined }, headers: { [`svix-${part}`]: of[part] } });
  add("families", `${part} from another`, { parts: { [part]: undefined }, headers: { [`webhook-${part}`]: of[part] } });
}

function says(Library, secrets, body, headers) {
  let why = "no secret";
  for (const secret of secrets) {
    try {
      new Library(secret).verify(body, headers);
      return null;
    } catch (error) {
      why = error.message;
    }
  }
  return why;
}

for (const { group, name, headers, body, secrets } of cases) {
  let why = says(Svix, secrets, body, headers);
  // The other library knows one family; what Svix sends under its own name is shown to it under that.
  const own = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.replace("svix-", "webhook-"), value]));
  if (!Object.keys(headers).some((key) => key.startsWith("webhook-")) || !Object.keys(headers).some((key) => key.startsWith("svix-"))) {
    why ??= says(Standard, secrets, body, own);
  }
  process.stdout.write(`${JSON.stringify({ group, name, accepted: why === null, why, case: { secrets, headers, body, now: NOW } })}\n`);
}
