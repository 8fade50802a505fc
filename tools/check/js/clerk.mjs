// Mutated session tokens and what Clerk's verifyToken says of each, a line of JSON a case.
import { createHmac, constants, createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { verifyToken } from "@clerk/backend";

const NOW = 1800000000;
Date.now = () => NOW * 1000;
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = keys.publicKey.export({ type: "spki", format: "pem" });
const JWK = { ...keys.publicKey.export({ format: "jwk" }), kid: "ins_1", use: "sig", alg: "RS256" };
const OTHER = { ...stranger.publicKey.export({ format: "jwk" }), kid: "ins_2", use: "sig", alg: "RS256" };
const server = createServer((_, answer) => {
  answer.setHeader("content-type", "application/json");
  answer.end(JSON.stringify({ keys: [JWK, OTHER] }));
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const apiUrl = `http://127.0.0.1:${server.address().port}`;

const HEADER = { alg: "RS256", kid: "ins_1", typ: "JWT" };
const CLAIMS = {
  sub: "user_2EXAMPLE", sid: "sess_1", iss: "https://clerk.example.com", azp: "https://app.example.com",
  iat: NOW - 10, nbf: NOW - 20, exp: NOW + 50, fva: [3, -1], v: 2, sts: "active",
};
const LOOSE = { jwt_key: PEM };
const STRICT = { ...LOOSE, issuer: CLAIMS.iss, authorized_parties: [CLAIMS.azp, "http://localhost:3000"] };

const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const rs256 = (text, key = keys.privateKey) => createSign("sha256").update(text).sign(key, "base64url");
const signed = (header, claims, key) => {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${rs256(text, key)}`;
};
const changed = (base, change) => Object.fromEntries(Object.entries({ ...base, ...change }).filter(([, v]) => v !== undefined));

const cases = [];
const add = (group, name, token, config = STRICT) => cases.push({ group, name: `${group} ${name}`, token, config });
const both = (group, name, token) => {
  add(group, `${name}, loose`, token, LOOSE);
  add(group, name, token, STRICT);
};
const claim = (group, change) => both(group, JSON.stringify(change), signed(HEADER, changed(CLAIMS, change)));
const header = (group, change) => both(group, JSON.stringify(change), signed(changed(HEADER, change), CLAIMS));

for (let shift = -12; shift <= 12; shift += 1) for (const name of ["exp", "nbf", "iat"]) claim(name, { [name]: NOW + shift });
const ODD = [undefined, null, "", "1800000050", 1800000050.5, 1e300, -1, 0, true, [], [NOW], {}, 9007199254740993, NOW * 1000];
for (const name of ["exp", "nbf", "iat"]) for (const value of ODD) claim(name, { [name]: value });
const TEXTS = [undefined, null, "", " ", 7, true, ["user_2EXAMPLE"], { a: 1 }];
for (const value of [...TEXTS, "user_other", "ü", "a\u0000b"]) claim("sub", { sub: value });
for (const value of [...TEXTS, "https://clerk.example.com/", "HTTPS://clerk.example.com", "https://evil.example", ["https://clerk.example.com"]]) {
  claim("issuer", { iss: value });
}
for (const value of [...TEXTS, "https://app.example.com/", "https://APP.example.com", "http://localhost:3000", "null", "https://app.example.com,http://localhost:3000", ["https://app.example.com"]]) {
  claim("azp", { azp: value });
}
for (const value of [undefined, null, "pending", "Active", "", 1, false]) claim("pending", { sts: value });
for (const value of [...TEXTS, "api", "API", ["api"], ["x", "api"], ["x"], ["api", 7], "apix"]) {
  const token = signed(HEADER, changed(CLAIMS, { aud: value }));
  for (const audience of [undefined, "api", ["api", "web"], ["other"]]) {
    add("audience", `${JSON.stringify(value)} for ${JSON.stringify(audience)}`, token, changed(STRICT, { audience }));
  }
}

for (const alg of [undefined, null, "", "none", "None", "rs256", "RS256 ", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", 7, ["RS256"]]) {
  header("algorithm", { alg });
}
for (const [alg, hash] of [["RS384", "sha384"], ["RS512", "sha512"]]) {
  const text = `${encoded({ ...HEADER, alg })}.${encoded(CLAIMS)}`;
  both("algorithm", `${alg}, truly`, `${text}.${createSign(hash).update(text).sign(keys.privateKey, "base64url")}`);
}
for (const alg of ["PS256", "RS256"]) {
  const text = `${encoded({ ...HEADER, alg })}.${encoded(CLAIMS)}`;
  const pss = { key: keys.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  both("signature", `PSS named ${alg}`, `${text}.${createSign("sha256").update(text).sign(pss, "base64url")}`);
  const ec = { key: curve.privateKey, dsaEncoding: "ieee-p1363" };
  both("signature", `a curve's, named ${alg}`, `${text}.${createSign("sha256").update(text).sign(ec, "base64url")}`);
}
for (const secret of [PEM, PEM.trim(), JWK.n, ""]) {
  const text = `${encoded({ ...HEADER, alg: "HS256" })}.${encoded(CLAIMS)}`;
  both("signature", "HS256 with the public key", `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`);
}
for (const typ of [undefined, null, "", "jwt", "JWT", "at+jwt", "JWS", 7, ["JWT"]]) header("type", { typ });
for (const cat of ["cl_B7d4PD111AAA", "cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "", null, 7]) header("type", { cat });
for (const crit of [[], ["exp"], ["b64"], null, "exp"]) header("crit", { crit });
for (const more of [{ b64: true }, { jwk: OTHER }, { jku: "https://evil.example" }, { x5u: "https://evil.example" }, { zip: "DEF" }]) header("extra", more);
for (const kid of [undefined, null, "", "ins_1", "ins_2", "INS_1", "ins_3", "../ins_1", 7, ["ins_1"], {}]) {
  for (const key of [keys.privateKey, stranger.privateKey]) {
    const token = signed(changed(HEADER, { kid }), CLAIMS, key);
    both("kid", JSON.stringify(kid), token);
    add("kid", `${JSON.stringify(kid)} in a set`, token, { ...STRICT, jwt_key: undefined, jwks: { keys: [JWK, OTHER] } });
  }
}

const good = signed(HEADER, CLAIMS);
const [h, c, s] = good.split(".");
for (let at = 0; at < s.length; at += 17) {
  const letter = s[at] === "A" ? "B" : "A";
  both("signature", `letter ${at}`, `${h}.${c}.${s.slice(0, at)}${letter}${s.slice(at + 1)}`);
}
for (const length of [0, 1, 2, 4, 100, s.length - 1]) both("signature", `of ${length} letters`, `${h}.${c}.${s.slice(0, length)}`);
both("signature", "twice as long", `${h}.${c}.${s}${s}`);
both("signature", "a stranger's", signed(HEADER, CLAIMS, stranger.privateKey));
for (const name of ["sub", "azp", "exp", "iss", "sts"]) {
  both("signature", `${name} changed afterwards`, `${h}.${encoded({ ...CLAIMS, [name]: "x" })}.${s}`);
}
const spoilt = {
  "padding in the signature": `${h}.${c}.${s}==`, "padding in the header": `${h}=.${c}.${s}`, "padding in the claims": `${h}.${c}=.${s}`,
  "base64 letters": `${h}.${c}.${s.replaceAll("-", "+").replaceAll("_", "/")}`, "a line break": `${h}.${c}.${s}\n`,
  "a space in front": ` ${good}`, "a space inside": `${h}.${c}. ${s}`, "odd letters": `${h}.${c}.${s}!`, "Bearer": `Bearer ${good}`,
};
for (const [name, token] of Object.entries(spoilt)) both("encoding", name, token);
const resigned = (headerText, claimsText) => {
  const text = `${headerText}.${claimsText}`;
  return `${text}.${rs256(text)}`;
};
both("encoding", "padded and signed", resigned(`${h}==`, c));
both("encoding", "claims padded and signed", resigned(h, `${c}=`));
both("encoding", "last bits", resigned(h, `${encoded("{\"a\":1}").slice(0, -1)}R`));
both("encoding", "Latin-1", resigned(h, Buffer.from(JSON.stringify({ ...CLAIMS, name: "\u00fc" }), "latin1").toString("base64url")));
both("encoding", "a mark in front", resigned(h, encoded(`\ufeff${JSON.stringify(CLAIMS)}`)));
both("encoding", "UTF-16", resigned(h, Buffer.from(JSON.stringify(CLAIMS), "utf16le").toString("base64url")));
for (const text of ["", "null", "[]", "7", "\"x\"", "{", "{}", `${JSON.stringify(CLAIMS)} x`, ` ${JSON.stringify(CLAIMS)} `]) {
  both("structure", `claims ${text.slice(0, 9)}`, resigned(h, encoded(text)));
  both("structure", `header ${text.slice(0, 9)}`, resigned(encoded(text), c));
}
for (const name of ["sub", "exp", "azp", "iss", "sts"]) {
  const twice = (first, second) => JSON.stringify(CLAIMS).replace(`"${name}":`, `"${name}":${first},"${name}":`).replace(/}$/, second);
  both("structure", `${name} twice`, resigned(h, encoded(twice("\"x\"", "}"))));
  both("structure", `${name} again at the end`, resigned(h, encoded(JSON.stringify(CLAIMS).replace(/}$/, `,"${name}":"x"}`))));
}
both("structure", "alg twice", resigned(encoded("{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"ins_1\",\"typ\":\"JWT\"}"), c));
both("structure", "alg twice, none last", resigned(encoded("{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"ins_1\",\"typ\":\"JWT\"}"), c));
both("structure", "17 KB", signed(HEADER, { ...CLAIMS, name: "x".repeat(17000) }));
for (const token of ["", ".", "..", "...", h, `${h}.${c}`, `${h}.${c}.`, `.${c}.${s}`, `${h}..${s}`, `${good}.`, `${good}.${s}`, `.${good}`, `${h}.${c}.${s}.${s}.${s}`, "null"]) {
  both("structure", `${token.split(".").length} parts of ${token.length}`, token);
}

for (const { group, name, token, config } of cases) {
  const key = config.jwt_key ? { jwtKey: config.jwt_key } : { secretKey: "sk_test_EXAMPLE", apiUrl, skipJwksCache: true };
  let said;
  try {
    const claims = await verifyToken(token, { ...key, authorizedParties: config.authorized_parties, audience: config.audience });
    said = { accepted: true, sub: claims.sub };
  } catch (error) {
    said = { accepted: false, why: error.message };
  }
  process.stdout.write(`${JSON.stringify({ group, name, ...said, case: { token, now: NOW, config } })}\n`);
}
server.close();
