// kafkajs with its instrumentation: eachMessage, and a batch by eachBatch. The story is that of
// ../story.py: node story.js a|b|c
'use strict';

const { SpanKind, trace } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchSpanProcessor, NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

const { BOOTSTRAP, LIBRARY, OTEL_SERVICE_NAME, INSTANCE } = process.env;
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({
    'service.name': OTEL_SERVICE_NAME,
    'service.instance.id': INSTANCE,
  }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
registerInstrumentations({ instrumentations: [new KafkaJsInstrumentation()] });
const { Kafka, logLevel } = require('kafkajs'); // only now: it is instrumented when it is loaded

const [A, B, C] = ['a', 'b', 'c'].map((name) => `${LIBRARY}.${name}`);
const kafka = new Kafka({
  clientId: OTEL_SERVICE_NAME,
  brokers: [BOOTSTRAP],
  logLevel: logLevel.NOTHING,
});
const ORDERS = [
  { name: 'order-1', customer: 'customer-1', cart: 'cart-1' },
  { name: 'order-2', customer: 'customer-2' },
  { name: 'order-3', customer: 'customer-1', cart: 'cart-1' },
];
const FAILING = 'order-2';

function cloudEvent(id, source, correlation) {
  const said = { ce_specversion: '1.0', ce_id: id, ce_source: source, ce_type: id.split('-')[0] };
  return correlation ? { ...said, ce_correlationid: correlation } : said;
}

async function a(producer) {
  for (const { name, customer, cart } of ORDERS) {
    const headers = cloudEvent(name, 'a', cart);
    const messages = [{ key: customer, value: '{}', headers }];
    if (!cart) {
      await producer.send({ topic: A, messages });
      continue;
    }
    const attributes = { 'http.request.method': 'POST', 'http.route': '/orders' };
    const options = { kind: SpanKind.SERVER, attributes };
    await trace.getTracer('story').startActiveSpan('POST /orders', options, async (span) => {
      await producer.send({ topic: A, messages });
      span.end();
    });
  }
}

async function consuming(group, topic, run) {
  const consumer = kafka.consumer({ groupId: `${LIBRARY}-${group}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((done) => {
    consumer.run(run(done));
  });
  await consumer.disconnect();
}

async function b(producer) {
  let waiting = ORDERS.length;
  let failed = false;
  await consuming('b', A, (done) => ({
    eachMessage: async ({ message }) => {
      const order = String(message.headers.ce_id);
      if (order === FAILING && !failed) {
        failed = true;
        throw new Error('the bank does not answer');
      }
      const correlation = message.headers.ce_correlationid;
      const headers = cloudEvent(
        order.replace('order', 'payment'), 'b', correlation && String(correlation));
      await producer.send({ topic: B, messages: [{ key: message.key, value: '{}', headers }] });
      waiting -= 1;
      if (!waiting) setTimeout(done, 500);
    },
  }));
}

async function c(producer) {
  await consuming('c', B, (done) => ({
    eachBatch: async ({ batch }) => {
      if (batch.messages.length !== ORDERS.length) throw new Error('not all in one batch');
      await producer.send({
        topic: C,
        messages: [{ value: '{}', headers: cloudEvent('tally-1', 'c') }],
      });
      setTimeout(done, 500);
    },
  }));
}

async function main() {
  const producer = kafka.producer();
  await producer.connect();
  await { a, b, c }[process.argv[2]](producer);
  await producer.disconnect();
  await provider.shutdown();
}

main();
