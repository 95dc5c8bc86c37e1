// Reads exported texts with their ecosystems' own readers: node read.mjs KIND FILE..., a line of
// JSON for each file: what was found in it, or `errors`.
import {readFileSync} from 'node:fs';

const readers = {
  async asyncapi() {
    const {Parser} = (await import('@asyncapi/parser')).default;
    const parser = new Parser();
    return async (text) => {
      const {document, diagnostics} = await parser.parse(text);
      const errors = diagnostics.filter((one) => one.severity === 0)
        .map((one) => `${one.code} at ${one.path.join('.')}: ${one.message}`);
      if (!document) return {errors: errors.length ? errors : ['no document']};
      const operations = document.operations().all().map((one) => ({
        action: one.action(),
        address: one.channels().all()[0].address(),
        types: one.messages().all().map((message) => message.name()).sort(),
      }));
      return {errors, title: document.info().title(), operations};
    };
  },
  async backstage() {
    const yaml = (await import('js-yaml')).default;
    const model = await import('@backstage/catalog-model');
    const policy = model.EntityPolicies.allOf([
      new model.DefaultNamespaceEntityPolicy(), new model.SchemaValidEntityPolicy(),
      new model.NoForeignRootFieldsEntityPolicy(), new model.FieldFormatEntityPolicy(),
    ]);
    const kinds = {
      Component: model.componentEntityV1alpha1Validator,
      API: model.apiEntityV1alpha1Validator,
      Resource: model.resourceEntityV1alpha1Validator,
    };
    return async (text) => {
      const errors = [], entities = [];
      for (const told of yaml.loadAll(text)) {
        try {
          const entity = await policy.enforce(told);
          if (!await kinds[entity.kind].check(entity)) errors.push(`${entity.kind} is none`);
          entities.push(model.stringifyEntityRef(entity));
        } catch (error) {
          errors.push(`${told.metadata?.name}: ${error.message}`);
        }
      }
      return {errors, entities};
    };
  },
  async cytoscape() {
    const cytoscape = (await import('cytoscape')).default;
    return async (text) => {
      const made = cytoscape({headless: true, elements: JSON.parse(text).elements});
      return {errors: [], nodes: made.nodes().length, edges: made.edges().length};
    };
  },
  async mermaid() {
    const {JSDOM} = await import('jsdom');
    const {window} = new JSDOM('');
    globalThis.window = window;
    globalThis.document = window.document;
    const mermaid = (await import('mermaid')).default;
    return async (text) => ({errors: [], type: (await mermaid.parse(text)).diagramType});
  },
};

const [kind, ...files] = process.argv.slice(2);
const read = await readers[kind]();
for (const file of files) {
  let told;
  try {
    told = await read(readFileSync(file, 'utf8'));
  } catch (error) {
    told = {errors: [String(error)]};
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
process.exit(0);
