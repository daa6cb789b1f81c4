"""What a folder job can not be made of."""

from ingest.errors.base import RefusedError


class FolderJobNotFoundError(RefusedError):
    """No such folder job, or somebody else's."""

    code = "FOLDER_JOB_NOT_FOUND"


class FolderNotAllowedError(RefusedError):
    """The folder does not lie below one of `SYNC__ROOTS`; whether it exists is not said."""

    code = "FOLDER_NOT_ALLOWED"


class FolderMissingError(RefusedError):
    """There is no such folder, or it is none."""

    code = "FOLDER_MISSING"


class FolderUnreadableError(RefusedError):
    """The account that Docyard runs under may not read the folder."""

    code = "FOLDER_UNREADABLE"


class DestinationInvalidError(RefusedError):
    """A bucket or prefix that can not be written to."""

    code = "DESTINATION_INVALID"


class UploadIdTakenError(RefusedError):
    """The caller has another folder job of that id."""

    code = "UPLOAD_ID_TAKEN"
