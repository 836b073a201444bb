/**
 * The messages of LLB, for all folders above: only llb/ knows that they are generated.
 * `message(OpSchema, …)` makes one; what is left out is empty.
 */
export { create as message } from "@bufbuild/protobuf";
export type { MessageInitShape } from "@bufbuild/protobuf";
export {
  BuildOpSchema, CacheSharingOpt, DefinitionSchema, DiffOpSchema, ChownOptSchema, ExecOpSchema, FileActionCopySchema, FileActionMkDirSchema, FileActionMkFileSchema, FileActionRmSchema, FileActionSchema, FileActionSymlinkSchema, FileOpSchema, LocationsSchema, MergeOpSchema, MountContentCache, MountSchema, MountType, NetMode, OpMetadataSchema, OpSchema,
  PassthroughOpSchema, PlatformSchema, SecurityMode, SourceOpSchema, SourceSchema, UserOptSchema,
} from "../proto/pb/ops_pb.ts";
export type {
  BuildInput, BuildOp, CDIDevice, CacheOpt, ChownOpt, DiffOp, ExecOp, ExportCache, FileAction, FileActionCopy, FileActionMkDir, FileActionMkFile, FileActionRm,
  FileActionSymlink, FileOp, HostIP, Input, LinuxResources, Location, Locations, MergeOp, Meta, Mount, NamedUserOpt, Op, OpMetadata, PassthroughOp, Platform, Position,
  ProgressGroup, ProxyEnv, Range, SSHOpt, SecretEnv, SecretOpt, Source, SourceInfo, SourceOp, TmpfsOpt, Ulimit, UserOpt, WorkerConstraints,
} from "../proto/pb/ops_pb.ts";
