export { ConnectionConfig, type ConnectionSettings } from './config.ts'
