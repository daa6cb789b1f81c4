// Uploads a file with tus-js-client as people use it under Node: in chunks, in parallel, cut off and resumed.
// node upload.mjs '{"endpoint": …, "token": …, "file": …, "name": …, "store": …, "chunkSize": …, "parallel": …, "stopAfter": …}'
import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.DOCYARD_TUS_MODULES}/`)
const tus = require('tus-js-client')
const said = JSON.parse(process.argv[2])

const requests = []
const upload = new tus.Upload(createReadStream(said.file), {
  endpoint: said.endpoint,
  chunkSize: said.chunkSize,
  parallelUploads: said.parallel ?? 1,
  retryDelays: [0, 100, 500, 1000],
  headers: { Authorization: `Bearer ${said.token}` },
  metadata: { filename: said.name, filetype: said.type },
  urlStorage: new tus.FileUrlStorage(said.store),
  fingerprint: async () => said.file,
  onAfterResponse: (request, response) => {
    requests.push(`${request.getMethod()} ${response.getStatus()}`)
  },
  onChunkComplete: (_, accepted) => {
    if (said.stopAfter && accepted >= said.stopAfter) {
      upload.abort().then(() => end({ stopped: accepted }))
    }
  },
  onSuccess: () => end({ url: upload.url }),
  onError: (error) => end({ error: String(error) }),
})

function end(result) {
  process.stdout.write(JSON.stringify({ ...result, requests }), () => process.exit(0))
}

const earlier = await upload.findPreviousUploads()
if (earlier.length) upload.resumeFromPreviousUpload(earlier[0])
upload.start()
