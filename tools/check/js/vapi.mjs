// What VAPI's own models say of messages and replies: each is a literal of the SDK's type, and the compiler judges it.
// vapi.mjs CASES: CASES holds a line {name, types, value} for each. Prints a line a case, with what the compiler says;
// a line a spoilt case, and whether it was refused; and one with the kinds of messages that no case was of.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const HERE = dirname(fileURLToPath(import.meta.url));
const FILE = join(HERE, "vapi-cases.ts");
const TYPES = { Nothing: "Record<string, never>" };
const typed = (name) => TYPES[name] ?? `Vapi.${name}`;
const cases = readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));

// Whatever is in these is VAPI's to carry and nobody's to judge: the models say `Record<string, unknown>`.
const FREE = new Set(["variableValues", "output", "parameters", "destination"]);
const MAY_BE_NULL = /messagesOpenAIFormatted\[0\]\.content$/;
// What a model cannot do without, beside what its own case names.
const REQUIRED = new Set(["toolCallId", "name", "toolCallList", "toolWithToolCallList", "toolCall", "function", "arguments", "id", "orgId", "createdAt", "updatedAt", "provider", "twilioAccountSid"]);
const without = (value, key) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

// The value, spoilt in one place in each way that no model allows.
function* spoilt(value, path = "", top = true) {
  if (Array.isArray(value)) {
    yield [`${path} is an object`, {}];
    for (const [how, item] of value.length ? spoilt(value[0], `${path}[0]`, false) : []) yield [how, [item, ...value.slice(1)]];
    return;
  }
  if (value === null || typeof value !== "object") {
    for (const wrong of typeof value === "string" ? [7, true, null, ["x"], { x: 1 }] : ["x", ["x"]]) {
      if (wrong !== null || !MAY_BE_NULL.test(path)) yield [`${path} is ${JSON.stringify(wrong)}`, wrong];
    }
    return;
  }
  yield [`${path} has one more`, { ...value, example_extra: "x" }];
  if (!top) yield [`${path} is a text`, "x"];
  for (const [key, inner] of Object.entries(value)) {
    const where = `${path}.${key}`;
    if (REQUIRED.has(key) && !(path.endsWith("assistant") || path === ".customer")) yield [`${where} is missing`, without(value, key)];
    yield [`${where} is misspelt`, { ...without(value, key), [`${key}_`]: inner }];
    if (FREE.has(key)) yield [`${where} is a text`, { ...value, [key]: "x" }];
    else for (const [how, changed] of spoilt(inner, where, false)) yield [how, { ...value, [key]: changed }];
  }
}

// One shape is spoilt once: another text in the same place is refused alike.
function shape(value) {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shape(item))))];
  if (value === null || typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

const HEAD = 'import type { Vapi } from "@vapi-ai/server-sdk";';
const lines = [HEAD];
const asked = [null];
function ask(entry, type, value) {
  asked.push(entry);
  lines.push(`export const c${asked.length - 1}: ${typed(type)} = ${JSON.stringify(value)};`);
}
const shapes = new Set();
for (const { name, types, value } of cases) {
  for (const type of types) {
    ask({ name: `${name}, as ${type}`, type, why: null }, type, value);
    const seen = JSON.stringify([type, shape(value)]);
    if (shapes.has(seen)) continue;
    shapes.add(seen);
    for (const [how, wrong] of spoilt(value)) ask({ name: `${name}, as ${type}: ${how}`, type, spoilt: true, why: null }, type, wrong);
  }
}
// All kinds of messages, one of which no case was of.
lines.push("export type Kinds = Vapi.ServerMessageMessage;");

const options = {
  strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts"],
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const host = ts.createCompilerHost(options);
const source = ts.createSourceFile(FILE, lines.join("\n"), ts.ScriptTarget.ES2022, true);
const [read, exists] = [host.getSourceFile, host.fileExists];
host.getSourceFile = (file, ...more) => (file === FILE ? source : read.call(host, file, ...more));
host.fileExists = (file) => file === FILE || exists.call(host, file);
const program = ts.createProgram([FILE], options, host);
const problems = [...program.getGlobalDiagnostics(), ...program.getOptionsDiagnostics(), ...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
for (const problem of problems) {
  const text = ts.flattenDiagnosticMessageText(problem.messageText, " ");
  const line = problem.file === source ? source.getLineAndCharacterOfPosition(problem.start).line : 0;
  if (!asked[line]) throw new Error(`the models cannot be read: ${text}`);
  asked[line].why ??= text.slice(0, 300);
}
const kinds = source.statements.at(-1);
const members = program.getTypeChecker().getTypeAtLocation(kinds.name).types.map((member) => member.symbol.name);
const sent = new Set(asked.filter((entry) => entry && !entry.spoilt).map((entry) => entry.type));
for (const entry of asked.slice(1)) process.stdout.write(`${JSON.stringify(entry)}\n`);
process.stdout.write(`${JSON.stringify({ kinds: members.length, unsent: members.filter((member) => !sent.has(member)) })}\n`);
