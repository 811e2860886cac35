// A local S3 server for the tests: node s3-server.js MODULES FOLDER PORT CONDITIONS
// CONDITIONS: ignored (as s3rver has it), honoured (as Amazon and most others have it), refused (501, as some do).
// Ends when its standard input does.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const [, , modules, folder, port, conditions] = process.argv;
const S3rver = require(path.join(modules, 's3rver'));
const S3Error = require(path.join(modules, 's3rver/lib/models/error'));

const server = new S3rver({
  address: '127.0.0.1', port: Number(port), silent: true, directory: folder, configureBuckets: [{ name: 'checkpoints' }],
});

function oneAtATime() {
  let last = Promise.resolve();
  return work => (last = last.then(work, work));
}

// s3rver writes into the object that readers see; S3 shows an object when it is complete, or not at all.
const inTurn = oneAtATime();
const getObject = server.store.getObject.bind(server.store);
server.store.getObject = (...args) => inTurn(() => getObject(...args));
const deleteObject = server.store.deleteObject.bind(server.store);
server.store.deleteObject = (...args) => inTurn(() => deleteObject(...args));
server.store.putObject = async object => {
  const pieces = [];
  if (Buffer.isBuffer(object.content)) pieces.push(object.content);
  else for await (const piece of object.content) pieces.push(piece);
  const content = Buffer.concat(pieces);
  const md5 = crypto.createHash('md5').update(content).digest('hex');
  await inTurn(async () => {
    const place = server.store.getResourcePath(object.bucket, object.key, 'object');
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, content);
    await server.store.putMetadata(object.bucket, object.key, object.metadata, md5);
  });
  return { size: content.length, md5 };
};

const checkThenPut = oneAtATime();
server.middleware.unshift(async (ctx, next) => {
  const absent = ctx.headers['if-none-match'], version = ctx.headers['if-match'];
  if (ctx.method !== 'PUT' || conditions === 'ignored' || !(absent || version)) return next();
  if (conditions === 'refused') throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented');
  await checkThenPut(async () => {
    const [, bucket, ...key] = decodeURIComponent(ctx.path).split('/');
    const found = await server.store.getMetadata(bucket, key.join('/')).catch(() => undefined);
    if (absent ? found : !found || found.etag !== version) {
      throw new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    }
    await next();
  });
});

process.stdin.on('end', () => process.exit(0)).resume();
server.run().then(address => console.log(`listening ${address.port}`), error => { console.error(error); process.exit(1); });
