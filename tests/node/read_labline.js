// Reads a gateway's own OPC UA server by node-opcua, on a channel that is signed and encrypted, and tries to write.
// Arguments: the endpoint, the line's name and namespace, user, password, a folder for the client's certificates.
'use strict';

const {
  AttributeIds, DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAClient, SecurityPolicy, TimestampsToReturn,
  UserTokenType, Variant,
} = require('node-opcua');

const [endpoint, line, namespace, userName, password, folder] = process.argv.slice(2);

async function main() {
  const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  const client = OPCUAClient.create({
    applicationName: 'reader', clientCertificateManager: manager, endpointMustExist: false,
    securityMode: MessageSecurityMode.SignAndEncrypt, securityPolicy: SecurityPolicy.Basic256Sha256,
    connectionStrategy: { maxRetry: 2 },
  });
  await client.connect(endpoint);
  const session = await client.createSession({ type: UserTokenType.UserName, userName, password });
  const index = (await session.readNamespaceArray()).indexOf(namespace);
  const id = (path) => `ns=${index};s=${line}/${path}`;
  const read = async (path) => {
    const data = await session.read({ nodeId: id(path), attributeId: AttributeIds.Value });
    return { value: data.value.value, status: data.statusCode.name, at: data.sourceTimestamp };
  };
  const browsed = await session.browse(id('Predictions'));
  const names = browsed.references.map((reference) => reference.browseName.name).filter((name) => name.includes('.'));
  const predicted = `Predictions/${names[0]}`;

  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 250, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 100, publishingEnabled: true, priority: 1,
  });
  const item = await subscription.monitor(
    { nodeId: id(`${predicted}/SensorValue`), attributeId: AttributeIds.Value },
    { samplingInterval: 250, queueSize: 10, discardOldest: true }, TimestampsToReturn.Both,
  );
  const notified = await new Promise((resolve) => { item.once('changed', resolve); });

  let written;
  try {
    written = (await session.write({
      nodeId: id(`${predicted}/SensorValue`), attributeId: AttributeIds.Value,
      value: { value: new Variant({ dataType: DataType.Double, value: 1.0 }) },
    })).name;
  } catch (error) {
    written = error.message;
  }
  const guidance = (await read('Guidance/Open')).value;
  const answer = {
    names, written, notified: { value: notified.value.value, status: notified.statusCode.name },
    value: await read(`${predicted}/SensorValue`), low: await read(`${predicted}/IntervalLow`),
    range: (await read(`${predicted}/SensorValue/EURange`)).value,
    unit: (await read(`${predicted}/SensorValue/EngineeringUnits`)).value,
    probability: await read(`${predicted}/ProbabilityOutOfSpecification`),
    lot: await read('Dispositions/BAD/Recommendation'),
    action: (await read(`Guidance/${guidance[0]}/Action`)).value,
  };
  await subscription.terminate();
  await session.close();
  await client.disconnect();
  console.log(JSON.stringify(answer));
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
