// sigstore-js by its own libraries, since its command line knows only the public instance.
//
//   node sigstore.cjs verify BUNDLE TRUSTED_ROOT IDENTITY ISSUER [ARTIFACT]
//   node sigstore.cjs verify-key BUNDLE TRUSTED_ROOT PUBLIC_KEY
//   node sigstore.cjs sign SIGNING_CONFIG TOKEN_FILE ARTIFACT BUNDLE
//
// Its modules are found through NODE_PATH.
'use strict';

const { createPublicKey } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const { bundleFromJSON, bundleToJSON } = require('@sigstore/bundle');
const { SigningConfig, TrustedRoot } = require('@sigstore/protobuf-specs');
const { bundleBuilderFromSigningConfig } = require('@sigstore/sign');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

function verify(bundle, root, identity, issuer, artifact) {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(root)));
  const entity = toSignedEntity(bundleFromJSON(json(bundle)), artifact && readFileSync(artifact));
  // no policy here takes a name for a pattern: the signer that was found is compared below
  const signer = new Verifier(trust).verify(entity);
  const found = signer.identity;
  if (found.subjectAlternativeName !== identity || found.extensions.issuer !== issuer) {
    throw new Error(`signed by ${found.subjectAlternativeName} at ${found.extensions.issuer}`);
  }
}

function verifyKey(bundle, root, key) {
  const finder = () => ({ publicKey: createPublicKey(readFileSync(key)), validFor: () => true });
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(root)), finder);
  const options = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };
  new Verifier(trust, options).verify(toSignedEntity(bundleFromJSON(json(bundle))));
}

async function sign(config, token, artifact, bundle) {
  const builder = bundleBuilderFromSigningConfig({
    signingConfig: SigningConfig.fromJSON(json(config)),
    identityProvider: { getToken: async () => readFileSync(token, 'utf8') },
    bundleType: 'messageSignature',
  });
  const made = await builder.create({ data: readFileSync(artifact) });
  writeFileSync(bundle, JSON.stringify(bundleToJSON(made)));
}

const verbs = { sign, verify, 'verify-key': verifyKey };
const [verb, ...rest] = process.argv.slice(2);
Promise.resolve()
  .then(() => verbs[verb](...rest))
  .catch((error) => {
    console.error(`${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
    process.exitCode = 1;
  });
