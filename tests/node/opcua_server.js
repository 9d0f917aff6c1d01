// A plant's OPC UA server, by node-opcua: security policies, users by name and by certificate, units, ranges, a history.
//
//   node opcua_server.js '{"host": "10.0.0.5", "port": 4840, "folder": "/tmp/plc", "users": {"labline": "secret"},
//                          "variables": [{"folder": "R1", "name": "Level", "value": 7, "unit": ["P1", "%"],
//                                         "range": [0, 100], "swing": 0.5}], "history_minutes": 60, "security": true}'
//
// `folder` gets its certificates: clients/own/certs/certificate.pem is the server's, clients/trusted/certs and
// clients/rejected are those of clients, users/... those by which users log in.
// It prints {"url": ..., "sha256": ...} when it listens. Its administrator writes "clients" or "users" on its input: those
// of them that it has rejected are trusted from then on; it prints how many.
"use strict";

console.log = console.error; // the library's own words; what is read of this program is written to stdout
const { createHash } = require("node:crypto");
const { once } = require("node:events");
const { readdirSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");
const { readCertificate } = require("node-opcua-crypto");
const {
  DataType,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  makeEUInformation,
} = require("node-opcua");

const POLICIES = [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss];
const given = JSON.parse(process.argv[2]);

async function certificates(folder) {
  const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: false });
  await manager.initialize();
  return manager;
}

// Trust all that were rejected, as a person does in the server's own tool; return how many.
async function trustRejected(folder, manager) {
  const rejected = readdirSync(join(folder, "rejected"));
  for (const file of rejected) {
    await manager.trustCertificate(readCertificate(join(folder, "rejected", file)));
  }
  return rejected.length;
}

// A value that swings slowly around its mean, the same for the same instant.
function valueAt(variable, milliseconds) {
  return variable.value + (variable.swing ?? 0) * Math.sin(milliseconds / 20000);
}

function add(namespace, folders, variable) {
  const objects = namespace.addressSpace.rootFolder.objects;
  folders[variable.folder] ??= namespace.addObject({ browseName: variable.folder, organizedBy: objects });
  const node = namespace.addAnalogDataItem({
    componentOf: folders[variable.folder],
    browseName: variable.name,
    nodeId: `s=${variable.folder}.${variable.name}`,
    dataType: DataType.Double,
    engineeringUnits: makeEUInformation(variable.unit[0], variable.unit[1], variable.unit[1]),
    engineeringUnitsRange: { low: variable.range[0], high: variable.range[1] },
    minimumSamplingInterval: 100,
  });
  const set = (at) =>
    node.setValueFromSource({ dataType: DataType.Double, value: valueAt(variable, at) }, StatusCodes.Good, new Date(at));
  namespace.addressSpace.installHistoricalDataNode(node, { maxOnlineValues: 100000 });
  const now = Date.now();
  for (let at = now - (given.history_minutes ?? 0) * 60000; at < now; at += 1000) {
    set(at);
  }
  return setInterval(() => set(Date.now()), 250);
}

async function main() {
  const secured = given.security !== false;
  const managers = {
    clients: await certificates(join(given.folder, "clients")),
    users: await certificates(join(given.folder, "users")),
  };
  const server = new OPCUAServer({
    hostname: given.host,
    port: given.port,
    resourcePath: "",
    serverInfo: { applicationUri: "urn:plant:plc", applicationName: { text: "plant" }, productUri: "urn:plant" },
    serverCertificateManager: managers.clients,
    userCertificateManager: managers.users,
    securityPolicies: secured ? POLICIES : [SecurityPolicy.None],
    securityModes: secured ? [MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt] : [MessageSecurityMode.None],
    allowAnonymous: !secured,
    userManager: { isValidUser: (name, password) => given.users?.[name] === password },
  });
  await server.initialize();
  const namespace = server.engine.addressSpace.registerNamespace("urn:acme:plant");
  const folders = {};
  const timers = given.variables.map((variable) => add(namespace, folders, variable));
  await server.start();
  const sha256 = createHash("sha256").update(server.getCertificate()).digest("hex");
  process.stdout.write(`${JSON.stringify({ url: `opc.tcp://${given.host}:${given.port}`, sha256 })}\n`);
  createInterface({ input: process.stdin }).on("line", async (of) => {
    process.stdout.write(`${await trustRejected(join(given.folder, of), managers[of])}\n`);
  });
  await once(process, "SIGTERM");
  timers.forEach(clearInterval);
  await server.shutdown(10);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
