// Sends one producing span by each of Node's OTLP exporters (JSON, protobuf), as an application
// would: node send.mjs ENDPOINT. Prints the trace ids, one a line.
import { SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter as Json } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as Proto } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const url = `${process.argv[2]}/v1/traces`;
for (const [name, Exporter] of [['json', Json], ['proto', Proto]]) {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `node-${name}` }),
    spanProcessors: [new BatchSpanProcessor(new Exporter({ url, compression: 'gzip' }))],
  });
  const span = provider.getTracer('node-test').startSpan(`send orders.${name}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.destination.name': `orders.${name}`,
      'messaging.operation.type': 'send',
      'messaging.batch.message_count': 0,
    },
  });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  console.log(span.spanContext().traceId);
}
