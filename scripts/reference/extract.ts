/**
 * What a package exports, as API Extractor reads it from the types of the built package: the report that is committed, and
 * each export with its TSDoc.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type IConfigFile } from '@microsoft/api-extractor';

/** A piece of a declaration; `canonicalReference` where it names something. */
interface Token {
  readonly text: string;
  readonly canonicalReference?: string;
}

/** An export, or a member of one, with the fields of API Extractor's JSON that are used here. */
export interface ApiItem {
  readonly kind: string;
  readonly name?: string;
  readonly docComment: string;
  readonly excerptTokens: readonly Token[];
  readonly fileUrlPath?: string;
  readonly isStatic?: boolean;
  readonly members?: readonly ApiItem[];
}

/** One package. */
export interface PackageApi {
  /** Text of the API report. */
  readonly report: string;
  readonly exports: readonly ApiItem[];
  /** What API Extractor has to say against it. */
  readonly problems: readonly string[];
}

/** Reads `dist/index.d.ts` of a package, which has to be built. */
export function extractApi(root: string, name: string): PackageApi {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-api-'));
  try {
    mkdirSync(join(folder, 'temp'));
    const problems: string[] = [];
    Extractor.invoke(ExtractorConfig.prepare(configOf({ root, name, folder })), {
      localBuild: true,
      messageCallback: (message) => {
        message.handled = true;
        if (message.logLevel === ExtractorLogLevel.Error) problems.push(`${message.sourceFilePath}: ${message.text}`);
      },
    });
    const model = JSON.parse(readFileSync(join(folder, 'api.json'), 'utf8'));
    return {
      report: readFileSync(join(folder, `${name}.api.md`), 'utf8'),
      exports: model.members[0].members,
      problems,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly root: string;
  readonly name: string;
  readonly folder: string;
}

function configOf({ root, name, folder }: Place): Parameters<typeof ExtractorConfig.prepare>[0] {
  const projectFolder = join(root, 'packages', name);
  const entry = join(projectFolder, 'dist/index.d.ts');
  const configObject: IConfigFile = {
    projectFolder,
    mainEntryPointFilePath: entry,
    newlineKind: 'lf',
    compiler: { overrideTsconfig: { compilerOptions: compilerOptions(root), files: [entry] } },
    apiReport: {
      enabled: true,
      reportFileName: name,
      reportFolder: folder,
      reportTempFolder: join(folder, 'temp'),
      includeForgottenExports: true,
    },
    docModel: { enabled: true, apiJsonFilePath: join(folder, 'api.json') },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      // Every export is public: what is not named in index.ts is not exported. Warnings would be written into the report.
      extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      // `@throws {Code}` is how editors read it, and not how TSDoc would have it.
      tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
    },
  };
  return { configObject, configObjectFullPath: undefined, packageJsonFullPath: join(projectFolder, 'package.json') };
}

function compilerOptions(root: string): object {
  return {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    paths: { '@countersign/spiffe-tls': [join(root, 'packages/spiffe-tls/dist/index.d.ts')] },
  };
}
