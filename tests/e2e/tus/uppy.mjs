// Uploads a file with Uppy's tus plug-in; arguments as in upload.mjs.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createRequire } from 'node:module'

const modules = `${process.env.DOCYARD_TUS_MODULES}/`
const require = createRequire(modules)
const load = async (name) => import(pathToFileURL(require.resolve(name)).href)
const { default: Uppy } = await load('@uppy/core')
const { default: Tus } = await load('@uppy/tus')
const said = JSON.parse(process.argv[2])

const uppy = new Uppy().use(Tus, {
  endpoint: said.endpoint,
  chunkSize: said.chunkSize,
  headers: { Authorization: `Bearer ${said.token}` },
})
// Under Node tus-js-client takes buffers, and Uppy asks what it is given for its size.
const bytes = readFileSync(said.file)
const data = Object.assign(bytes, { size: bytes.length })
uppy.addFile({ name: said.name, type: said.type, data })
const { successful, failed } = await uppy.upload()
const result = successful.length ? { url: successful[0].uploadURL } : { error: String(failed[0]?.error) }
process.stdout.write(JSON.stringify({ ...result, requests: [] }), () => process.exit(0))
