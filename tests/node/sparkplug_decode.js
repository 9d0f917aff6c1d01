// Decodes payloads of Sparkplug B, as base64 in a JSON list on standard input, with Eclipse Tahu's library.
const { readFileSync } = require("node:fs");
const sparkplug = require("sparkplug-payload").get("spBv1.0");

// 64-bit numbers are objects of the package long
const plain = (value) => {
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (typeof value.toNumber === "function") {
    return value.toNumber();
  }
  return Array.isArray(value)
    ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
};
const payloads = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(payloads.map((payload) => plain(sparkplug.decodePayload(Buffer.from(payload, "base64"))))));
